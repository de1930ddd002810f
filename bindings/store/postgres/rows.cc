#include "bindings/store/postgres/rows.h"

#include <absl/strings/numbers.h>
#include <boost/endian/conversion.hpp>

namespace mxd::store::postgres {

int64_t Rows::integer(int row, int column) const {
  const auto* const bytes =
      reinterpret_cast<const unsigned char*>(PQgetvalue(result_.get(), row, column));
  switch (PQgetlength(result_.get(), row, column)) {
    case 8:
      return boost::endian::load_big_s64(bytes);
    case 4:
      return boost::endian::load_big_s32(bytes);
    case 2:
      return boost::endian::load_big_s16(bytes);
    default:
      return 0;  // NULL
  }
}

std::string_view Rows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}

std::optional<int64_t> Rows::optional_integer(int row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return integer(row, column);
}

std::optional<std::string_view> Rows::optional_text(int row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return text(row, column);
}

int64_t Rows::affected() const {
  int64_t count = 0;
  static_cast<void>(absl::SimpleAtoi(PQcmdTuples(result_.get()), &count));
  return count;
}

}  // namespace mxd::store::postgres
