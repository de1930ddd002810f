// From one engine to the other, and back.
#include "tests/store/moving.h"

#include <dlfcn.h>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

#ifdef MXD_SQLITE_LIBRARY
TEST_F(StoreTest, MovesToSqliteAndBackAndIsTheSame) {
  void* const opened = ::dlopen(MXD_SQLITE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(opened, nullptr) << ::dlerror();
  const mxd_store_library& sqlite =
      *reinterpret_cast<mxd_store_entry_v1>(::dlsym(opened, MXD_STORE_ENTRY_V1))();
  Filled filled;
  {
    OpenStore store(url(), surroundings);
    filled = fill(store, database);
  }
  Records first;
  ASSERT_EQ(export_records(library(), url(), first).status, MXD_OK);
  const Result in_file = import_records(sqlite, path("moved.db"), first);
  ASSERT_EQ(in_file.status, MXD_OK) << in_file.error;
  Records second;
  ASSERT_EQ(export_records(sqlite, path("moved.db"), second).status, MXD_OK);
  EXPECT_EQ(second, first);
  Database back(folder.path(), "back");
  const Result in_database = import_records(library(), back.url(), second);
  ASSERT_EQ(in_database.status, MXD_OK) << in_database.error;
  Records third;
  ASSERT_EQ(export_records(library(), back.url(), third).status, MXD_OK);
  EXPECT_EQ(third, first);

  OpenStore store(back.url(), surroundings, "");
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  EXPECT_EQ(store.authenticate(filled.phone.access_token).status, MXD_OK);
  EXPECT_EQ(store.refresh(filled.phone.refresh_token).status, MXD_OK);
}
#endif

}  // namespace
}  // namespace mxd::test
