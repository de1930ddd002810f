// Rows H1 to H3 and H5: what a client gets when the host fails. H6: auth/limits_test.cc.
#include <climits>

#include "tests/unit/host/failing_malloc.h"
#include "tests/unit/host/questions.h"

namespace mxd::test {
namespace {

// Row H5 as well: after each failure the next request works.
class Failures : public Rows {
 protected:
  Failures() { host.config = kAsksAll; }

  // Asks every callback, which completes with this status, or returns it.
  void expect(int32_t status, int http_status, bool misbehaves) {
    for (const auto& [callback, request] : questions()) {
      for (const bool returned : {false, true}) {
        SCOPED_TRACE(std::string(callback) + (returned ? " returns " : " completes with ") +
                     std::to_string(status));
        if (returned) {
          host.refusals[callback] = status;
        } else {
          host.scripts[callback] = [status](mxd_op) { return status; };
        }
        const auto response = send(request);
        EXPECT_TRUE(is_error(response, http_status, "M_UNKNOWN"));
        EXPECT_EQ(response.header("Retry-After").has_value(), http_status == 503);
        host.scripts.clear();
        host.refusals.clear();
        const auto lines = host.take_misbehaviour();
        EXPECT_EQ(lines.size(), misbehaves ? 1u : 0u);
        if (misbehaves && !lines.empty()) {
          EXPECT_NE(lines[0].find(callback), std::string::npos) << lines[0];
        }
        EXPECT_EQ(host.deletions, 0);
        EXPECT_EQ(get(kDevices).status, 200);
      }
    }
  }
};

TEST_P(Failures, H1_Unavailable) {
  expect(MXD_UNAVAILABLE, 503, false);
}

TEST_P(Failures, H1_NoMemory) {
  expect(MXD_NO_MEMORY, 503, false);
}

TEST_P(Failures, H1_Cancelled) {
  expect(MXD_CANCELLED, 503, false);
}

TEST_P(Failures, H1_RetryAfterIsTheHosts) {
  host.scripts["list_devices"] = [this](mxd_op op) {
    EXPECT_EQ(host.module().emit_retry_after(op, 4200), MXD_OK);
    return MXD_UNAVAILABLE;
  };
  EXPECT_EQ(get(kDevices).header("Retry-After"), "5");
}

TEST_P(Failures, H2_TimedOut) {
  expect(MXD_TIMEOUT, 504, false);
}

TEST_P(Failures, H3_Internal) {
  expect(MXD_INTERNAL, 500, false);
  const auto log = host.log();
  EXPECT_FALSE(log.empty()) << "the cause belongs in the log";
}

TEST_P(Failures, H3_UnknownStatus) {
  for (const int32_t status : {12345, -77, INT_MIN, INT_MAX, 0x10000, 31, 32})
    expect(status, 500, true);
}

TEST_P(Failures, H3_HostErrorWithoutAnError) {
  expect(MXD_HOST_ERROR, 500, true);
}

TEST_P(Failures, H3_NothingEmitted) {
  const char* const callbacks[] = {"authenticate", "get_device", "uia_load_session", "uia_check"};
  for (const std::string callback : callbacks) {
    host.scripts[callback] = [](mxd_op) { return MXD_OK; };
    for (const auto& question : questions()) {
      if (question.callback != callback) continue;
      EXPECT_TRUE(is_error(send(question.request), 500, "M_UNKNOWN")) << callback;
    }
    EXPECT_EQ(host.take_misbehaviour().size(), 1u) << callback;
    host.scripts.clear();
  }
}

// Something that is emitted, and too large for what memory there is.
struct LargeResult {
  const char* callback;
  int32_t (*emit)(const mxd_module&, mxd_op, const std::string& large);
};

const LargeResult kLargeResults[] = {
    {"list_devices",
     [](const mxd_module& module, mxd_op op, const std::string& large) {
       auto device = a_device("PHONE");
       device.flags = MXD_DEVICE_HAS_DISPLAY_NAME;
       device.display_name = view(large);
       return module.emit_device(op, &device);
     }},
    {"uia_flows",
     [](const mxd_module& module, mxd_op op, const std::string& large) {
       const std::string params = "{\"x\":\"" + large + "\"}";
       auto stage = a_stage(0, "m.login.password");
       stage.params = view(params);
       return module.emit_stage(op, &stage);
     }},
    {"uia_load_session",
     [](const mxd_module& module, mxd_op op, const std::string& large) {
       const auto session = a_session(large);
       return module.emit_session(op, &session);
     }},
    {"uia_check", [](const mxd_module& module, mxd_op op,
                     const std::string& large) { return module.emit_reason(op, view(large)); }},
    {"authenticate",
     [](const mxd_module& module, mxd_op op, const std::string& large) {
       auto error = an_error(403, "M_FORBIDDEN");
       error.text = view(large);
       return module.emit_error(op, &error);
     }},
};

TEST_P(Failures, H4_NoMemoryForWhatIsEmitted) {
  const std::string large(200'000, 'x');
  for (const auto& result : kLargeResults) {
    for (const auto& [callback, request] : questions()) {
      if (std::string_view(callback) != result.callback) continue;
      SCOPED_TRACE(callback);
      host.scripts[callback] = [&](mxd_op op) {
        int32_t status = MXD_OK;
        {
          const FailingMalloc failing;
          status = result.emit(host.module(), op, large);
        }
        EXPECT_EQ(status, MXD_NO_MEMORY);
        return MXD_OK;
      };
      EXPECT_TRUE(is_error(send(request), 500, "M_UNKNOWN"))
          << "a part must not pass for the whole";
      EXPECT_TRUE(host.take_misbehaviour().empty()) << "and it is nobody's fault";
      host.scripts.clear();
      EXPECT_EQ(get(kDevices).status, 200);
    }
  }
}

TEST_P(Failures, H5_NothingIsHalfDone) {
  const auto alice = host.users[kAlice].devices.size();
  for (const int32_t status : {MXD_UNAVAILABLE, MXD_TIMEOUT, MXD_INTERNAL, MXD_CANCELLED}) {
    for (const auto& [callback, request] : questions()) {
      SCOPED_TRACE(std::string(callback) + " completes with " + std::to_string(status));
      host.scripts[callback] = [status](mxd_op) { return status; };
      send(request);
      host.scripts.clear();
      EXPECT_EQ(host.deletions, 0) << "not before everything else has been said yes to";
      EXPECT_EQ(host.users[kAlice].devices.size(), alice);
      EXPECT_EQ(host.users[kAlice].devices.count("PHONE"), 1u);
    }
  }
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage({}))))) << "the next request works";
  EXPECT_EQ(host.users[kAlice].devices.size(), alice - 1);
}

INSTANTIATE_TEST_SUITE_P(Completion, Failures, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
