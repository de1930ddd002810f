#include "module/host/host_table.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <string>

#include "module/http/text.h"

#include "module/host/records.h"

namespace mxd::host {
namespace {

// The capabilities that a host can demand to be understood: none yet.
constexpr uint64_t kUnderstood = 0;
constexpr uint64_t kMustUnderstand = ~uint64_t{0} << MXD_CAP_MUST_UNDERSTAND_FROM;

}  // namespace

int32_t HostTable::adopt(const mxd_host* host, std::string& error) {
  if (host == nullptr) {
    error = "host: the table is NULL; pass one";
    return MXD_INVALID_ARGUMENT;
  }
  if (host->size < MXD_HOST_SIZE_1_0) {
    error = http::concatenate({"host: the table's size is ", std::to_string(host->size),
                               ", and that of version 1.0 is ", std::to_string(MXD_HOST_SIZE_1_0),
                               "; set size to sizeof(mxd_host)"});
    return MXD_INVALID_ARGUMENT;
  }
  std::memcpy(&host_, host, std::min<size_t>(host->size, sizeof host_));

  const uint64_t unknown = host_.caps & kMustUnderstand & ~kUnderstood;
  if (unknown != 0) {
    char bits[16];
    const auto end = std::to_chars(bits, bits + sizeof bits, unknown, 16).ptr;
    error = http::concatenate({"host: caps has bits 0x",
                               {bits, end},
                               ", which must be understood, and this module does not know them; "
                               "load a newer one"});
    return MXD_UNSUPPORTED;
  }

  const struct {
    const char* name;
    bool present;
  } mandatory[] = {
      {"respond", host_.respond != nullptr},
      {"authenticate", host_.authenticate != nullptr},
      {"list_devices", host_.list_devices != nullptr},
      {"get_device", host_.get_device != nullptr},
      {"rename_device", host_.rename_device != nullptr},
      {"delete_devices", host_.delete_devices != nullptr},
      {"uia_flows", host_.uia_flows != nullptr},
      {"uia_create_session", host_.uia_create_session != nullptr},
      {"uia_load_session", host_.uia_load_session != nullptr},
      {"uia_replace_session", host_.uia_replace_session != nullptr},
      {"uia_check", host_.uia_check != nullptr},
  };
  for (const auto& callback : mandatory) {
    if (callback.present) continue;
    error =
        http::concatenate({"host: the mandatory callback ", callback.name, " is missing; set it"});
    return MXD_INVALID_ARGUMENT;
  }
  return MXD_OK;
}

bool HostTable::random_bytes(void* out, size_t size) const noexcept {
  if (host_.random_bytes != nullptr && may_call()) {
    return host_.random_bytes(host_.cookie, out, size) == MXD_OK;
  }
  return getentropy(out, size) == 0;
}

int64_t HostTable::now_ms() const noexcept {
  if (host_.now_ms != nullptr && may_call()) {
    return std::clamp<int64_t>(host_.now_ms(host_.cookie), 0, kLatestTimeMs);
  }
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace mxd::host
