#include "bindings/server/commands/account.h"
#include "bindings/server/commands/command.h"
#include "bindings/server/commands/devices.h"
#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/output.h"
#include "bindings/server/commands/terminal.h"

namespace mxd::server {
namespace {

void describe_list(CLI::App& app, OperatorOptions& options) {
  app.add_option("NAME", options.name, "A localpart or a user ID")->required();
}

boost::json::object json_of(const mxd_store_device& device) {
  boost::json::object json{{"device_id", text(device.device_id)},
                           {"display_name", nullptr},
                           {"signed_in", (device.flags & MXD_STORE_DEVICE_SIGNED_IN) != 0},
                           {"last_seen_ms", nullptr},
                           {"last_seen_ip", nullptr},
                           {"created_ms", device.created_ms}};
  if ((device.flags & MXD_STORE_DEVICE_HAS_DISPLAY_NAME) != 0) {
    json["display_name"] = text(device.display_name);
  }
  if (device.last_seen_ms >= 0) json["last_seen_ms"] = device.last_seen_ms;
  if (device.last_seen_ip.size != 0) json["last_seen_ip"] = text(device.last_seen_ip);
  return json;
}

int list(const OperatorOptions& options) {
  const Store store = open_database(options);
  const Account account = find_account(store, options.name);
  Listing listing(options.json, "devices",
                  {"DEVICE", "SIGNED IN", "LAST SEEN", "ADDRESS", "CREATED", "NAME"},
                  {{"user_id", account.user_id}});
  auto query = make<mxd_store_device_query>();
  query.name = view(account.user_id);
  const auto visit = [](mxd_cookie cookie, const mxd_store_device* device) noexcept -> int32_t {
    const bool is_signed_in = (device->flags & MXD_STORE_DEVICE_SIGNED_IN) != 0;
    const bool is_read = reinterpret_cast<Listing*>(cookie)->add(
        json_of(*device), {std::string(text(device->device_id)), is_signed_in ? "yes" : "no",
                           time_text(device->last_seen_ms), std::string(text(device->last_seen_ip)),
                           time_text(device->created_ms), std::string(text(device->display_name))});
    return is_read ? MXD_OK : MXD_CANCELLED;
  };
  const Store::Said said = store.call(&mxd_store_library::list_devices, &query, +visit,
                                      reinterpret_cast<mxd_cookie>(&listing));
  if (said.status == MXD_CANCELLED) return kFailed;  // nobody reads: flush_output() says so
  check(said);
  listing.finish();
  return kDone;
}

void describe_delete(CLI::App& app, OperatorOptions& options) {
  describe_devices(app, options);
  app.get_option("NAME")->required();
  app.add_flag("--yes", options.is_confirmed, "Do not ask: it can't be undone");
}

int delete_some(const OperatorOptions& options) {
  const Store store = open_database(options);
  const Account account = find_account(store, options.name);
  const std::string what =
      options.all_devices ? count_of(account.device_count, "device") : joined(options.devices);
  confirm(options.is_confirmed,
          "Delete " + what + " of " + account.user_id + ", with the encryption keys?");
  const DeviceList devices(account.user_id, options);
  auto affected = make<mxd_store_affected>();
  check(store.call(&mxd_store_library::delete_devices, devices.get(), &affected));
  if (options.json) {
    print_json({{"user_id", affected.user_id}, {"deleted", affected.device_count}});
  } else {
    print_line("deleted " + count_of(affected.device_count, "device") + " of " + affected.user_id);
  }
  return kDone;
}

constexpr CommandEntry kCommands[] = {
    {"device", "list",
     "List the devices of an account: whether somebody is signed in on them, when and from where "
     "they were last seen, when they were made, their names.",
     "device list alice --database devices.db\n"
     "device list alice --json --database devices.db | jq -r '.devices[].device_id'",
     describe_list, nullptr, list},
    {"device", "delete",
     "Delete devices of an account, such as one that was stolen, as their user would: tokens and "
     "keys are gone, and the server knows at once. All that are named, or none.",
     "device delete alice JLAFKJWSCS --database devices.db\n"
     "device delete alice --all --yes --database devices.db",
     describe_delete, mistake_in_devices, delete_some},
};

}  // namespace

std::span<const CommandEntry> device_commands() {
  return kCommands;
}

}  // namespace mxd::server
