// The sizes of records: below that of version 1.0 none is taken, and any above it is.
#include <cstring>
#include <memory>

#include "tests/unit/host/questions.h"

namespace mxd::test {
namespace {

// A record that the host emits, as the bytes that its `size` says.
struct Record {
  const char* name;
  const char* callback;
  uint32_t size_1_0;
  std::string bytes;  // a whole one, good for its callback
  int32_t (*emit)(const mxd_module&, mxd_op, const void*);
};

template <class T>
std::string bytes_of(const T& record) {
  return {reinterpret_cast<const char*>(&record), sizeof record};
}

// Views in these point to constants.
std::vector<Record> records() {
  return {
      {"mxd_principal", "authenticate", MXD_PRINCIPAL_SIZE_1_0,
       bytes_of(a_principal("@alice:test", "PHONE")),
       [](const mxd_module& m, mxd_op op, const void* record) {
         return m.emit_principal(op, static_cast<const mxd_principal*>(record));
       }},
      {"mxd_device", "list_devices", MXD_DEVICE_SIZE_1_0, bytes_of(a_device("PHONE")),
       [](const mxd_module& m, mxd_op op, const void* record) {
         return m.emit_device(op, static_cast<const mxd_device*>(record));
       }},
      {"mxd_uia_stage", "uia_flows", MXD_UIA_STAGE_SIZE_1_0,
       bytes_of(a_stage(0, "m.login.password")),
       [](const mxd_module& m, mxd_op op, const void* record) {
         return m.emit_stage(op, static_cast<const mxd_uia_stage*>(record));
       }},
      {"mxd_uia_kept", "uia_load_session", MXD_UIA_KEPT_SIZE_1_0, bytes_of(a_session("{}")),
       [](const mxd_module& m, mxd_op op, const void* record) {
         return m.emit_session(op, static_cast<const mxd_uia_kept*>(record));
       }},
      {"mxd_uia_completed", "uia_load_session", MXD_UIA_COMPLETED_SIZE_1_0,
       bytes_of(a_completed("m.login.sso", "@alice:test")),
       [](const mxd_module& m, mxd_op op, const void* record) {
         return m.emit_completed(op, static_cast<const mxd_uia_completed*>(record));
       }},
      {"mxd_error", "list_devices", MXD_ERROR_SIZE_1_0, bytes_of(an_error(403, "M_FORBIDDEN")),
       [](const mxd_module& m, mxd_op op, const void* record) {
         return m.emit_error(op, static_cast<const mxd_error*>(record));
       }},
  };
}

class RecordSizes : public Rows {
 protected:
  RecordSizes() { host.config = kAsksAll; }

  // Emits a record of this size, in memory of just that size; what the emit returned.
  int32_t emit(const Record& record, uint32_t size) {
    const std::unique_ptr<char[]> memory(new char[std::max<size_t>(size, sizeof size)]);
    std::memset(memory.get(), 0x7F, size);
    std::memcpy(memory.get(), record.bytes.data(), std::min<size_t>(size, record.bytes.size()));
    std::memcpy(memory.get(), &size, sizeof size);
    int32_t emitted = MXD_OK;
    host.scripts[record.callback] = [&](mxd_op op) {
      emitted = record.emit(host.module(), op, memory.get());
      return MXD_UNAVAILABLE;
    };
    for (const auto& question : questions()) {
      if (std::string_view(question.callback) == record.callback) last = send(question.request);
    }
    host.scripts.clear();
    return emitted;
  }

  Response last;
};

TEST_P(RecordSizes, BelowVersion10) {
  for (const auto& record : records()) {
    for (const uint32_t size : {0u, 4u, record.size_1_0 - 8, record.size_1_0 - 1}) {
      EXPECT_EQ(emit(record, size), MXD_INVALID_ARGUMENT) << record.name << " of " << size;
      EXPECT_TRUE(is_error(last, 500, "M_UNKNOWN")) << record.name;
      const auto lines = host.take_misbehaviour();
      ASSERT_EQ(lines.size(), 1u) << record.name << " of " << size;
      for (const char* part : {record.callback, record.name}) {
        EXPECT_NE(lines[0].find(part), std::string::npos)
            << "expected " << part << " in: " << lines[0];
      }
    }
  }
}

TEST_P(RecordSizes, OfVersion10AndAbove) {
  for (const auto& record : records()) {
    for (const uint32_t more : {0u, 1u, 8u, 4096u}) {
      EXPECT_EQ(emit(record, record.size_1_0 + more), MXD_OK) << record.name << " and " << more;
      EXPECT_TRUE(is_error(last, 503, "M_UNKNOWN")) << record.name;
    }
  }
}

TEST_P(RecordSizes, NoRecord) {
  for (const auto& record : records()) {
    host.scripts[record.callback] = [&](mxd_op op) {
      EXPECT_EQ(record.emit(host.module(), op, nullptr), MXD_INVALID_ARGUMENT) << record.name;
      return MXD_OK;
    };
    for (const auto& question : questions()) {
      if (std::string_view(question.callback) == record.callback) {
        EXPECT_TRUE(is_error(send(question.request), 500, "M_UNKNOWN")) << record.name;
      }
    }
    host.scripts.clear();
    const auto lines = host.take_misbehaviour();
    ASSERT_EQ(lines.size(), 1u) << record.name;
    EXPECT_NE(lines[0].find(record.name), std::string::npos) << lines[0];
  }
}

TEST_P(RecordSizes, RequestBelowVersion10) {
  mxd_request request{};
  request.method = view("GET");
  request.target = view(kDevices);
  for (const uint32_t size : {0u, 8u, uint32_t{MXD_REQUEST_SIZE_1_0} - 1}) {
    request.size = size;
    EXPECT_EQ(host.module().handle(host.instance(), &request, nullptr), MXD_INVALID_ARGUMENT)
        << size;
  }
  EXPECT_EQ(host.module().handle(host.instance(), nullptr, nullptr), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(host.calls(), Names{});
  host.take_misbehaviour();
}

TEST_P(RecordSizes, RouteIsFilledAsFarAsBothKnowIt) {
  struct Larger {
    mxd_route route;
    char later[64];
  } larger;
  std::memset(&larger, 0x7F, sizeof larger);
  larger.route.size = sizeof larger;
  ASSERT_EQ(host.module().route(host.instance(), 0, &larger.route), MXD_OK);
  EXPECT_EQ(larger.route.size, uint32_t{MXD_ROUTE_SIZE_1_0}) << "no more was filled";
  for (const char byte : larger.later)
    EXPECT_EQ(byte, 0x7F) << "what the module does not know is left as it was";
  larger.route.size = MXD_ROUTE_SIZE_1_0 - 1;
  EXPECT_EQ(host.module().route(host.instance(), 0, &larger.route), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(host.module().route(host.instance(), 0, nullptr), MXD_INVALID_ARGUMENT);
}

INSTANTIATE_TEST_SUITE_P(Completion, RecordSizes, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
