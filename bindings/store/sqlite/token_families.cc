#include "bindings/store/sqlite/token_families.h"

#include <optional>
#include <string>

#include "bindings/store/common/random_text.h"

namespace mxd::store::sqlite {
namespace {

bool is_of_family(Connection& connection, std::string_view token, std::string_view prefix) {
  const std::optional<std::string> name = family_name_of(token, prefix);
  if (!name) return false;
  Query row(connection,
            "SELECT f.key FROM token_families f JOIN devices d USING (device)"
            " JOIN accounts a USING (account) WHERE f.name = ?1 AND d.device > a.gone_through",
            Blob{*name});
  return row.next() && TokenFamily{*name, std::string(row.text(0))}.made(token, prefix);
}

// One from before there were families, or that was revoked and of none.
bool is_old(Connection& connection, std::string_view token) {
  Query row(connection,
            "SELECT 1 FROM old_tokens t JOIN devices d USING (device)"
            " JOIN accounts a USING (account) WHERE t.digest = ?1 AND d.device > a.gone_through",
            Blob{bytes_of(digest_of(token))});
  return row.next();
}

}  // namespace

TokenFamily family_of(Connection& writer, int64_t device) {
  {
    Query row(writer, "SELECT name, key FROM token_families WHERE device = ?1", device);
    if (row.next()) return {std::string(row.text(0)), std::string(row.text(1))};
  }
  TokenFamily family = TokenFamily::make();
  Query(writer, "INSERT INTO token_families (device, name, key) VALUES (?1, ?2, ?3)", device,
        Blob{family.name}, Blob{family.key})
      .execute();
  return family;
}

void end_family(Connection& writer, int64_t device) {
  Query(writer, "DELETE FROM token_families WHERE device = ?1", device).execute();
  Query(writer, "DELETE FROM old_tokens WHERE device = ?1", device).execute();
}

bool was_token(Connection& connection, std::string_view token, std::string_view prefix) {
  return token.starts_with(prefix) &&
         (is_of_family(connection, token, prefix) || is_old(connection, token));
}

}  // namespace mxd::store::sqlite
