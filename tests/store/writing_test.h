// Writes that are under way.
#ifndef MXD_TESTS_STORE_WRITING_TEST_H
#define MXD_TESTS_STORE_WRITING_TEST_H

#include <deque>
#include <string>
#include <string_view>

#include "tests/store/store_test.h"

namespace mxd::test {

class WritingTest : public AliceTest {
 protected:
  // A rename that is under way, with its arguments.
  struct Rename {
    std::string device_id;
    std::string name;
    mxd_device_update update{};
    mxd_op op = 0;
  };

  const Rename& start_rename(std::string_view device_id, std::string_view name) {
    Rename& rename = renames.emplace_back();
    rename.device_id = device_id;
    rename.name = name;
    rename.update.size = sizeof rename.update;
    rename.update.flags = MXD_UPDATE_SET_DISPLAY_NAME;
    rename.update.user_id = view(alice);
    rename.update.device_id = view(rename.device_id);
    rename.update.display_name = view(rename.name);
    rename.op = new_operation();
    EXPECT_EQ(store.host().rename_device(store.host().cookie, 0, rename.op, 0, &rename.update),
              MXD_OK);
    return rename;
  }

  // A deletion of one device, likewise.
  struct Removal {
    std::string device_id;
    mxd_view id{};
    mxd_deletion deletion{};
    mxd_op op = 0;
  };

  const Removal& start_removal(std::string_view device_id) {
    Removal& removal = removals.emplace_back();
    removal.device_id = device_id;
    removal.id = view(removal.device_id);
    removal.deletion.size = sizeof removal.deletion;
    removal.deletion.device_ids = &removal.id;
    removal.deletion.device_id_count = 1;
    removal.deletion.user_id = view(alice);
    removal.op = new_operation();
    EXPECT_EQ(store.host().delete_devices(store.host().cookie, 0, removal.op, 0, &removal.deletion),
              MXD_OK);
    return removal;
  }

  std::deque<Rename> renames;
  std::deque<Removal> removals;
};

}  // namespace mxd::test

#endif  // MXD_TESTS_STORE_WRITING_TEST_H
