#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "abi/check/steps/steps.h"

namespace mxd::check {
namespace {

constexpr std::string_view kNobodys = "CHECK_NO_SUCH_DEVICE";
constexpr std::string_view kNotForOthers = "renamed by another user";

// Quotes, escapes, markup, blanks at both ends, combining and wide characters: under 100 code
// points.
constexpr std::string_view kEveryCharacter =
    " \"quoted\" 'single' \\back %s %00 {} <b>&amp;</b> ; -- \n\t\x01 e\u0301 \u00e9 \u00a0 \u202e "
    "\ufeff \U0001f600 \U0010ffff ";

const Device* find(const Answer& list, std::string_view device_id) {
  const auto found =
      std::find_if(list.devices.begin(), list.devices.end(),
                   [&](const Device& device) { return device.device_id == device_id; });
  return found == list.devices.end() ? nullptr : &*found;
}

std::vector<std::string> ids_of(const Answer& list) {
  std::vector<std::string> ids;
  for (const Device& device : list.devices)
    ids.push_back(device.device_id);
  return ids;
}

// The devices of a user that the configuration names.
std::vector<std::string> configured(Check& check, const std::string& user) {
  std::vector<std::string> ids;
  for (const char* place :
       {"/device_id", "/spares/0/device_id", "/spares/1/device_id", "/spares/2/device_id"}) {
    ids.push_back(check.setting(user + place));
  }
  return ids;
}

void compare_list(Check& check, const Answer& list, const Answer& again) {
  check.say("list_devices.same_order", ids_of(list) == ids_of(again),
            "the second list has the devices in another order, or others");
  const std::vector<std::string> ids = ids_of(list);
  check.say("list_devices.distinct", std::set(ids.begin(), ids.end()).size() == ids.size(),
            "a device is in the list twice");
  for (const std::string& id : configured(check, "/users/0")) {
    if (!check.say("list_devices.complete", find(list, id) != nullptr,
                   "device " + quoted(id) + " is missing (one run uses the spare devices up)")) {
      break;
    }
  }
  for (const std::string& id : configured(check, "/users/1")) {
    if (!check.say("list_devices.own_only", find(list, id) == nullptr,
                   "device " + quoted(id) + " is another user's")) {
      break;
    }
  }
}

// Hosts may record it late, and once in a while; that the unit is right shows all the same.
void compare_last_seen(Check& check, const Answer& list) {
  constexpr int64_t kDay = 86'400'000;
  constexpr int64_t kMinute = 60'000;
  const Device* const device = find(list, check.me().device_id);
  if (device == nullptr || !device->last_seen_ts_ms) {
    check.not_tried("list_devices.last_seen", "the device that asks has no last_seen_ts_ms");
    return;
  }
  const int64_t now = check.now_ms();
  const int64_t seen = *device->last_seen_ts_ms;
  check.say(
      "list_devices.last_seen", seen > now - kDay && seen < now + kMinute,
      "last_seen_ts_ms is " + std::to_string(seen) + ", and now_ms gives " + std::to_string(now));
}

// Other IDs than `id` that a careless comparison takes for it.
std::vector<std::string> lookalikes(const std::string& id) {
  std::string swapped = id;
  for (char& c : swapped) {
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 32);
    else if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
  }
  std::vector<std::string> ids{id + " ", " " + id, id.substr(0, id.size() - 1) + "%",
                               id.substr(0, id.size() - 1) + "_", "%"};
  if (swapped != id) ids.push_back(swapped);
  std::erase(ids, id);
  return ids;
}

Task<> look_for_lookalikes(Check& check, const Answer& list) {
  for (const std::string& id : lookalikes(check.me().device_id)) {
    if (find(list, id) != nullptr) continue;
    const Answer got = co_await check.get_device(id);
    const bool right =
        check.is("get_device.exact_id", got, MXD_NOT_FOUND,
                 "get_device for " + quoted(id) + ", of " + quoted(check.me().device_id));
    if (!right) break;
  }
}

Task<> grow(Check& check, const Answer& list) {
  const Answer grown_list = co_await check.list_devices(true);
  const Answer grown_get = co_await check.get_device(check.me().device_id, true);
  check.say("callbacks.growth",
            grown_list.status == MXD_OK && ids_of(grown_list) == ids_of(list) &&
                grown_get.status == MXD_OK,
            "list_devices and get_device answer a larger struct with an unknown flag otherwise");
}

}  // namespace

Task<> read_devices(Check& check) {
  const int64_t before = check.now_ms();
  check.notes()["run"] = check.random_id().substr(0, 8);
  check.say("random_bytes.random", check.random_id() != check.random_id(),
            "two calls gave the same 32 bytes");
  const Answer list = co_await check.list_devices();
  const Answer again = co_await check.list_devices();
  const bool lists = check.is("list_devices.lists", list, MXD_OK, "list_devices") &&
                     check.is("list_devices.lists", again, MXD_OK, "list_devices again");
  if (!lists) co_return;
  compare_list(check, list, again);
  compare_last_seen(check, list);
  constexpr size_t kCompared = 20;
  for (size_t i = 0; i < std::min(list.devices.size(), kCompared); ++i) {
    const Device& expected = list.devices[i];
    const Answer got = co_await check.get_device(expected.device_id);
    const std::string what = "get_device for " + quoted(expected.device_id);
    if (!check.is("get_device.finds", got, MXD_OK, what)) break;
    check.say("get_device.finds",
              got.devices.front().device_id == expected.device_id &&
                  got.devices.front().display_name == expected.display_name,
              what + " gave another ID or name than list_devices");
  }
  const Answer nobodys = co_await check.get_device(kNobodys);
  check.is("get_device.not_found", nobodys, MXD_NOT_FOUND, "get_device for a made-up ID");
  const std::string others = check.setting("/users/1/device_id");
  if (find(list, others) == nullptr) {
    const Answer got = co_await check.get_device(others);
    check.is("get_device.other_user", got, MXD_NOT_FOUND, "get_device for another's device");
  }
  co_await look_for_lookalikes(check, list);
  co_await grow(check, list);
  check.say("now_ms.forward", check.now_ms() >= before, "now_ms went back while a request ran");
}

namespace {

// Everything but the name of `renamed` must be as before. Last seen of the device that asks may
// move meanwhile.
bool nothing_else_changed(Check& check, const Answer& before, const Answer& after,
                          const std::string& renamed) {
  if (ids_of(before) != ids_of(after)) return false;
  for (size_t i = 0; i < before.devices.size(); ++i) {
    Device was = before.devices[i];
    Device is = after.devices[i];
    if (was.device_id == renamed) was.display_name = is.display_name;
    if (was.device_id == check.me().device_id) {
      was.last_seen_ip = is.last_seen_ip;
      was.last_seen_ts_ms = is.last_seen_ts_ms;
    }
    if (was != is) return false;
  }
  return true;
}

}  // namespace

Task<> rename_devices(Check& check) {
  const std::string id = check.setting("/users/0/spares/2/device_id");
  const std::string name(kEveryCharacter);
  const Answer before = co_await check.list_devices();
  const Answer renamed = co_await check.rename_device(id, name);
  const Answer after = co_await check.list_devices();
  if (check.is("rename_device.renames", renamed, MXD_OK, "rename_device")) {
    const Device* const device = find(after, id);
    check.say("rename_device.renames", device != nullptr && device->display_name == name,
              "the name is then " + (device != nullptr && device->display_name
                                         ? quoted(*device->display_name)
                                         : std::string("not there")));
    check.say("rename_device.nothing_else", nothing_else_changed(check, before, after, id),
              "something else than the name of that device changed");
  }
  const Answer emptied = co_await check.rename_device(id, "");
  const Answer got = co_await check.get_device(id);
  if (check.is("rename_device.empty_name", emptied, MXD_OK, "rename_device to an empty name") &&
      check.is("rename_device.empty_name", got, MXD_OK, "get_device after that")) {
    check.say("rename_device.empty_name", got.devices.front().display_name == "",
              "the name is then not known to be empty");
  }
  const Answer nobodys = co_await check.rename_device(kNobodys, "made up");
  const Answer made = co_await check.get_device(kNobodys);
  if (check.is("rename_device.not_found", nobodys, MXD_NOT_FOUND,
               "rename_device of a made-up ID")) {
    check.is("rename_device.not_found", made, MXD_NOT_FOUND, "get_device after that");
  }
  const std::string others = check.setting("/users/1/spares/0/device_id");
  check.notes()["not_for_others"] = std::string(kNotForOthers);
  const Answer other = co_await check.rename_device(others, kNotForOthers);
  check.is("rename_device.other_user", other, MXD_NOT_FOUND, "rename_device of another's device");
}

Task<> create_devices(Check& check) {
  const std::string id = "CHECK_" + check.random_id().substr(0, 8);
  const std::string unnamed = id + "_2";
  const std::string capped = id + "_3";
  check.notes()["unnamed_device"] = unnamed;
  check.notes()["capped_device"] = capped;
  const auto name_of_first = [](const Answer& got) {
    return got.devices.empty() ? std::nullopt : got.devices.front().display_name;
  };

  const Answer created = co_await check.put_device(id, "one", 0);
  const Answer first = co_await check.get_device(id);
  if (!check.is("put_device.creates", created, MXD_CREATED, "put_device of a new ID")) co_return;
  check.notes()["service_device"] = id;
  check.say("put_device.creates", name_of_first(first) == "one", "the name is not that given");
  const Answer again = co_await check.put_device(id, std::nullopt, 0);
  const Answer kept = co_await check.get_device(id);
  check.is("put_device.again", again, MXD_OK, "put_device of a device that is there");
  check.say("put_device.keeps_name", name_of_first(kept) == "one",
            "put_device without SET_DISPLAY_NAME changed the name");
  const Answer renamed = co_await check.put_device(id, "two", 0);
  const Answer second = co_await check.get_device(id);
  if (check.is("put_device.renames", renamed, MXD_OK, "put_device with a name")) {
    check.say("put_device.renames", name_of_first(second) == "two", "the name is not that given");
  }
  const Answer nameless = co_await check.put_device(unnamed, std::nullopt, 0);
  const Answer got_nameless = co_await check.get_device(unnamed);
  if (check.is("put_device.unnamed", nameless, MXD_CREATED, "put_device without a name")) {
    check.say("put_device.unnamed",
              got_nameless.status == MXD_OK && name_of_first(got_nameless).value_or("").empty(),
              "the new device has a name");
  }

  const Answer list = co_await check.list_devices();
  const auto count = static_cast<int64_t>(list.devices.size());
  const Answer over = co_await check.put_device(capped, "three", count);
  const Answer not_made = co_await check.get_device(capped);
  const Answer spared = co_await check.put_device(id, "three", count);
  const Answer below = co_await check.put_device(capped, "three", count + 1);
  check.is("put_device.cap_spares_renames", spared, MXD_OK, "put_device of a device at the cap");
  const bool capped_right =
      check.is("put_device.cap", over, MXD_LIMIT_EXCEEDED, "put_device of a new ID at the cap") &&
      check.is("put_device.cap", not_made, MXD_NOT_FOUND, "get_device after that");
  if (capped_right) {
    check.is("put_device.cap", below, MXD_CREATED, "put_device of a new ID below the cap");
  }
}

// Reads once more, for what came late.
Task<> end(Check& check) {
  const Answer list = co_await check.list_devices();
  if (!check.is("list_devices.lists", list, MXD_OK, "list_devices at the end")) co_return;
  compare_last_seen(check, list);
}

}  // namespace mxd::check
