// Records out of a database, and a database out of records.
#ifndef MXD_TESTS_STORE_MOVING_H
#define MXD_TESTS_STORE_MOVING_H

#include <string>
#include <string_view>
#include <vector>

#include "matrix_devices/store.h"
#include "tests/store/database.h"
#include "tests/store/open_store.h"

namespace mxd::test {

using Records = std::vector<std::string>;

// Every record; `error` says why there are none.
Result export_records(const mxd_store_library& library, const std::string& url, Records& records,
                      std::string_view server_name = "");

Result import_records(const mxd_store_library& library, const std::string& url,
                      const Records& records, std::string_view server_name = "");

// Fills a store and its database with something in every table.
struct Filled {
  Tokens phone, phone_before, laptop, guest;
};
Filled fill(OpenStore& store, Database& database);

}  // namespace mxd::test

#endif  // MXD_TESTS_STORE_MOVING_H
