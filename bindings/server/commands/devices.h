// Devices that are named on the command line: some of a user's, or all.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bindings/server/commands/options.h"
#include "bindings/server/store.h"

namespace mxd::server {

inline void describe_devices(CLI::App& app, OperatorOptions& options) {
  app.add_option("NAME", options.name, "A localpart or a user ID");
  app.add_option("DEVICE", options.devices, "Device IDs; those that begin with - after a --");
  app.add_flag("--all", options.all_devices, "Every device of the user");
}

inline const char* mistake_in_devices(const OperatorOptions& options) {
  if (options.all_devices && !options.devices.empty()) return "name devices, or give --all";
  if (!options.all_devices && options.devices.empty()) {
    return "DEVICE is required: name devices, or give --all";
  }
  return nullptr;
}

// "A, B"
inline std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts)
    all += (all.empty() ? "" : ", ") + text;
  return all;
}

// The record of store.h, which refers to the two.
class DeviceList {
 public:
  DeviceList(const std::string& user_id, const OperatorOptions& options) {
    for (const std::string& id : options.devices)
      ids_.push_back(view(id));
    record_.flags = options.all_devices ? MXD_STORE_DEVICES_ALL : 0;
    record_.name = view(user_id);
    record_.device_ids = ids_.data();
    record_.device_id_count = ids_.size();
  }
  DeviceList(const DeviceList&) = delete;
  DeviceList& operator=(const DeviceList&) = delete;

  const mxd_store_devices* get() const { return &record_; }

 private:
  std::vector<mxd_view> ids_;
  mxd_store_devices record_ = make<mxd_store_devices>();
};

}  // namespace mxd::server
