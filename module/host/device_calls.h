#pragma once

#include "module/host/host_call.h"
#include "module/host/records.h"

namespace mxd::host {

// `authenticate`
class AuthenticateCall final : public HostCall {
 public:
  // `who` is filled in with MXD_OK.
  AuthenticateCall(Line& line, const mxd_credentials& credentials, Principal& who);
  Answer await_resume() { return conclude(); }

 private:
  int32_t ask(mxd_op op) noexcept override;
  int32_t principal(const mxd_principal& record) override;
  const char* missing() const noexcept override;

  const mxd_credentials& credentials_;
  Principal& who_;
  bool emitted_ = false;
};

// `list_devices`, or for one device `get_device`
class ReadDevicesCall final : public HostCall {
 public:
  // `device` empty: all that the user has.
  ReadDevicesCall(Line& line, UserId user, DeviceId device, DeviceSink& sink);
  Answer await_resume() { return conclude(); }

 private:
  int32_t ask(mxd_op op) noexcept override;
  int32_t device(const mxd_device& record) override;
  const char* missing() const noexcept override;
  bool one() const noexcept { return key_.device_id.size != 0; }

  mxd_device_key key_{};    // of get_device
  mxd_device_query query_;  // of list_devices, once asked
  DeviceSink& sink_;
  bool emitted_ = false;
};

// `rename_device`, or `put_device`
class UpdateDeviceCall final : public HostCall {
 public:
  enum class Kind { kRename, kPut };
  UpdateDeviceCall(Line& line, Kind kind, const mxd_device_update& update);
  Answer await_resume() { return conclude(); }

 private:
  int32_t ask(mxd_op op) noexcept override;

  Kind kind_;
  mxd_device_update update_;
};

// `delete_devices`
class DeleteDevicesCall final : public HostCall {
 public:
  DeleteDevicesCall(Line& line, UserId user, const mxd_view* ids, size_t count);
  Answer await_resume() { return conclude(); }

 private:
  int32_t ask(mxd_op op) noexcept override;

  mxd_deletion deletion_{};
};

}  // namespace mxd::host
