#include <algorithm>
#include <string>

#include "abi/check/steps/steps.h"

namespace mxd::check {
namespace {

bool holds(const Answer& list, std::string_view device_id) {
  return std::any_of(list.devices.begin(), list.devices.end(),
                     [&](const Device& device) { return device.device_id == device_id; });
}

std::vector<std::string> ids_without(const Answer& list, std::string_view device_id) {
  std::vector<std::string> ids;
  for (const Device& device : list.devices) {
    if (device.device_id != device_id) ids.push_back(device.device_id);
  }
  return ids;
}

}  // namespace

Task<> begin_on_spare(Check& check) {
  Session session;
  session.state = R"({"begun":"by a device that will be deleted"})";
  const Answer created = co_await check.create_session(session);
  if (created.status == MXD_OK) check.notes()["spares_session"] = check.id_of(created);
}

Task<> delete_spare(Check& check) {
  const std::string spare = check.setting("/users/0/spares/0/device_id");
  const std::string others = check.setting("/users/1/spares/0/device_id");
  const std::vector<std::string> ids{spare, others, "CHECK_NO_SUCH_DEVICE", "CHECK_NEITHER"};
  const std::vector<std::string> no_ids;

  const Answer before = co_await check.list_devices();
  const Answer deleted = co_await check.delete_devices(ids);
  const Answer after = co_await check.list_devices();
  const Answer got = co_await check.get_device(spare);
  if (!check.is("delete_devices.deletes", deleted, MXD_OK,
                "delete_devices of one's own device, another's and two unknown ones")) {
    co_return;
  }
  check.is("delete_devices.deletes", got, MXD_NOT_FOUND, "get_device after the deletion");
  check.say("delete_devices.leaves_the_rest", ids_without(before, spare) == ids_without(after, ""),
            "the list is then not what it was without the deleted device");
  const Answer again = co_await check.delete_devices(ids);
  check.is("delete_devices.idempotent", again, MXD_OK, "delete_devices with the same IDs again");
  const Answer none = co_await check.delete_devices(no_ids);
  const Answer still = co_await check.list_devices();
  if (check.is("delete_devices.none", none, MXD_OK, "delete_devices without an ID")) {
    check.say("delete_devices.none", ids_without(still, "") == ids_without(after, ""),
              "it changed the list");
  }
  const std::string session = check.note("spares_session");
  if (session.empty()) {
    check.not_tried("delete_devices.sessions_gone", "no session could be made on that device");
    co_return;
  }
  const Answer loaded = co_await check.load_session(session);
  check.is("delete_devices.sessions_gone", loaded, MXD_NOT_FOUND,
           "uia_load_session of a session that the deleted device began");
}

// With the token of a device that another user's deletion named.
Task<> find_untouched(Check& check) {
  const Answer got = co_await check.get_device(check.me().device_id);
  if (!check.is("delete_devices.other_user_untouched", got, MXD_OK,
                "get_device of a device that another user's deletion named")) {
    co_return;
  }
  check.say("rename_device.other_user",
            got.devices.front().display_name != check.note("not_for_others"),
            "another user could name the device");
}

Task<> delete_itself(Check& check) {
  const std::vector<std::string> ids{check.me().device_id};
  const Answer deleted = co_await check.delete_devices(ids);
  check.is("delete_devices.itself", deleted, MXD_OK, "delete_devices of the device that asks");
}

// The first to come deletes one spare device; the others read meanwhile.
Task<> delete_under_reads(Check& check) {
  constexpr int kReads = 4;
  const std::string spare = check.setting("/users/0/spares/1/device_id");
  const std::vector<std::string> staying{check.setting("/users/0/device_id"),
                                         check.setting("/users/0/spares/2/device_id")};
  const std::optional<size_t> place = co_await check.meet();
  if (!place) co_return;
  if (*place == 0) {
    const std::vector<std::string> ids{spare};
    const Answer deleted = co_await check.delete_devices(ids);
    check.is("delete_devices.under_reads", deleted, MXD_OK, "delete_devices while others read");
  } else {
    for (int i = 0; i < kReads; ++i) {
      const Answer list = co_await check.list_devices();
      const bool whole =
          list.status == MXD_OK && std::all_of(staying.begin(), staying.end(),
                                               [&](const auto& id) { return holds(list, id); });
      if (whole || could_not(list.status)) continue;
      check.broken("delete_devices.under_reads",
                   "list_devices while a deletion ran: " + name_of(list.status) + ", " +
                       std::to_string(list.devices.size()) + " devices, not all that stay");
    }
  }
  const std::optional<size_t> done = co_await check.meet();
  if (!done || *done != 0) co_return;
  const Answer got = co_await check.get_device(spare);
  if (got.status != MXD_NOT_FOUND) {
    check.is("delete_devices.under_reads", got, MXD_NOT_FOUND, "get_device after the deletion");
  }
}

Task<> delete_many(Check& check) {
  constexpr size_t kMany = 10'000;
  const std::string spare = check.setting("/users/0/spares/2/device_id");
  std::vector<std::string> ids{spare};
  while (ids.size() < kMany)
    ids.push_back("CHECK_" + std::to_string(ids.size()));
  const Answer deleted = co_await check.delete_devices(ids);
  const Answer list = co_await check.list_devices();
  if (!check.is("delete_devices.many", deleted, MXD_OK, "delete_devices of 10,000 IDs")) co_return;
  check.say("delete_devices.many",
            list.status == MXD_OK && !holds(list, spare) && holds(list, check.me().device_id),
            "the user's devices are then not those that were not named");
}

}  // namespace mxd::check
