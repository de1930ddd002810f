#include "module/http/json_digest.h"

#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>

#include <algorithm>
#include <boost/json/value.hpp>
#include <cstring>

namespace mxd::http {
namespace {

namespace json = boost::json;

std::string_view hexadecimal(memory::Arena& arena,
                             const unsigned char (&digest)[crypto_hash_sha256_BYTES]) {
  char* const out = arena.make_array<char>(2 * sizeof digest + 1);
  sodium_bin2hex(out, 2 * sizeof digest + 1, digest, sizeof digest);
  return {out, 2 * sizeof digest};
}

// Feeds a hash with a value, every part with its kind and size before it, so that no two different
// values give the same bytes.
class Hasher {
 public:
  explicit Hasher(memory::Arena& arena) : arena_(arena) { crypto_hash_sha256_init(&state_); }

  void object(const json::object& object) {
    tag('o', object.size());
    using Member = const json::key_value_pair*;
    Member* const sorted = arena_.make_array<Member>(object.size());
    Member* end = sorted;
    for (const auto& member : object)
      *end++ = &member;
    std::sort(sorted, end, [](Member a, Member b) { return a->key() < b->key(); });
    for (Member* member = sorted; member != end; ++member) {
      text('k', (*member)->key());
      value((*member)->value());
    }
  }

  std::string_view finish() {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&state_, digest);
    return hexadecimal(arena_, digest);
  }

 private:
  void value(const json::value& value) {
    switch (value.kind()) {
      case json::kind::object:
        object(value.get_object());
        break;
      case json::kind::array:
        tag('a', value.get_array().size());
        for (const auto& element : value.get_array())
          this->value(element);
        break;
      case json::kind::string:
        text('s', value.get_string());
        break;
      case json::kind::int64:
        number('i', value.get_int64());
        break;
      case json::kind::uint64:
        number('u', value.get_uint64());
        break;
      case json::kind::double_:
        number('d', value.get_double());
        break;
      case json::kind::bool_:
        tag('b', value.get_bool() ? 1 : 0);
        break;
      case json::kind::null:
        tag('n', 0);
        break;
    }
  }

  // The size goes in as eight bytes, the least significant first, whatever the machine.
  void tag(char kind, uint64_t size) {
    unsigned char head[9] = {static_cast<unsigned char>(kind)};
    for (int byte = 0; byte < 8; ++byte)
      head[1 + byte] = static_cast<unsigned char>(size >> (8 * byte));
    bytes(head, sizeof head);
  }
  template <class Number>
  void number(char kind, Number value) {
    static_assert(sizeof value == 8);
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    tag(kind, bits);
  }
  void text(char kind, std::string_view text) {
    tag(kind, text.size());
    bytes(text.data(), text.size());
  }
  void bytes(const void* data, size_t size) {
    crypto_hash_sha256_update(&state_, static_cast<const unsigned char*>(data), size);
  }

  memory::Arena& arena_;
  crypto_hash_sha256_state state_;
};

}  // namespace

std::string_view digest(memory::Arena& arena, const json::object& object) {
  Hasher hasher(arena);
  hasher.object(object);
  return hasher.finish();
}

std::string_view digest_text(memory::Arena& arena, std::string_view text) {
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(digest, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return hexadecimal(arena, digest);
}

}  // namespace mxd::http
