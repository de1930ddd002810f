// Rows H1 to H3 and H5: what a client gets when the host fails. H6: auth/limits_test.cc.
#include <climits>

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

// A result that the callback must not give.
struct BadResult {
  const char* what;
  const char* callback;
  int32_t (*emit)(const mxd_module&, mxd_op);
};

const BadResult kBadResults[] = {
    {"a device without an ID", "list_devices",
     [](const mxd_module& module, mxd_op op) {
       const auto device = a_device("");
       return module.emit_device(op, &device);
     }},
    {"a device whose ID is not UTF-8", "list_devices",
     [](const mxd_module& module, mxd_op op) {
       const auto device = a_device("\xFF");
       return module.emit_device(op, &device);
     }},
    {"a name that is not UTF-8", "list_devices",
     [](const mxd_module& module, mxd_op op) {
       auto device = a_device("A");
       device.flags = MXD_DEVICE_HAS_DISPLAY_NAME;
       device.display_name = view("\xC3");
       return module.emit_device(op, &device);
     }},
    {"an address that is not UTF-8", "list_devices",
     [](const mxd_module& module, mxd_op op) {
       auto device = a_device("A");
       device.flags = MXD_DEVICE_HAS_LAST_SEEN_IP;
       device.last_seen_ip = view("\x80");
       return module.emit_device(op, &device);
     }},
    {"a short record", "list_devices",
     [](const mxd_module& module, mxd_op op) {
       auto device = a_device("A");
       device.size = 8;
       return module.emit_device(op, &device);
     }},
    {"a null record", "list_devices",
     [](const mxd_module& module, mxd_op op) { return module.emit_device(op, nullptr); }},
    {"a null view with a size", "list_devices",
     [](const mxd_module& module, mxd_op op) {
       auto device = a_device("A");
       device.device_id = {nullptr, 1};
       return module.emit_device(op, &device);
     }},
    {"a result of another kind", "list_devices",
     [](const mxd_module& module, mxd_op op) { return module.emit_identity(op, view(kAlice)); }},
    {"another device than the one asked for", "get_device",
     [](const mxd_module& module, mxd_op op) {
       const auto device = a_device("TABLET");
       return module.emit_device(op, &device);
     }},
    {"a principal without a user", "authenticate",
     [](const mxd_module& module, mxd_op op) {
       const auto principal = a_principal("", "PHONE");
       return module.emit_principal(op, &principal);
     }},
    {"a principal with neither device nor token_id", "authenticate",
     [](const mxd_module& module, mxd_op op) {
       const auto principal = a_principal(kAlice, "");
       return module.emit_principal(op, &principal);
     }},
    {"a service without its ID", "authenticate",
     [](const mxd_module& module, mxd_op op) {
       auto principal = a_principal(kAlice, "");
       principal.flags = MXD_PRINCIPAL_APPSERVICE;
       return module.emit_principal(op, &principal);
     }},
    {"a flow out of order", "uia_flows",
     [](const mxd_module& module, mxd_op op) { return module.emit_flow_stage(op, 1, view("a")); }},
    {"a stage without a type", "uia_flows",
     [](const mxd_module& module, mxd_op op) { return module.emit_flow_stage(op, 0, view("")); }},
    {"parameters that are no object", "uia_flows",
     [](const mxd_module& module, mxd_op op) {
       return module.emit_params(op, view("a"), view("[]"));
     }},
    {"parameters that are no JSON", "uia_flows",
     [](const mxd_module& module, mxd_op op) {
       return module.emit_params(op, view("a"), view("{} }"));
     }},
    {"an empty session ID", "uia_create_session",
     [](const mxd_module& module, mxd_op op) { return module.emit_session_id(op, view("")); }},
    {"a session ID that is not UTF-8", "uia_create_session",
     [](const mxd_module& module, mxd_op op) { return module.emit_session_id(op, view("\xFE")); }},
    {"a session without a user", "uia_load_session",
     [](const mxd_module& module, mxd_op op) {
       mxd_session session{};
       session.size = sizeof session;
       return module.emit_session(op, &session);
     }},
    {"a session without a digest", "uia_load_session",
     [](const mxd_module& module, mxd_op op) {
       mxd_session session{};
       session.size = sizeof session;
       session.user_id = view(kAlice);
       return module.emit_session(op, &session);
     }},
    {"an empty identity", "uia_check",
     [](const mxd_module& module, mxd_op op) { return module.emit_identity(op, view("")); }},
    {"a reason that is not UTF-8", "uia_check",
     [](const mxd_module& module, mxd_op op) { return module.emit_reason(op, view("\xFF")); }},
};

TEST_P(Failures, H3_ResultsThatMustNotBeGiven) {
  for (const auto& bad : kBadResults) {
    SCOPED_TRACE(bad.what);
    host.scripts[bad.callback] = [&](mxd_op op) {
      EXPECT_EQ(bad.emit(host.module(), op), MXD_INVALID_ARGUMENT);
      return MXD_OK;
    };
    for (const auto& [callback, request] : questions()) {
      if (std::string_view(callback) != bad.callback) continue;
      EXPECT_TRUE(is_error(send(request), 500, "M_UNKNOWN"));
    }
    EXPECT_EQ(host.take_misbehaviour().size(), 1u);
    host.scripts.clear();
    EXPECT_EQ(get(kDevices).status, 200);
  }
}

TEST_P(Failures, H3_SessionWithTimesThatOverflow) {
  const auto session = session_of(remove("PHONE"));
  const StoredSession good = host.sessions[session];
  const auto expect_refused = [&](const char* what) {
    host.scripts["uia_load_session"] = [&](mxd_op op) {
      const StoredSession& kept = host.sessions[session];
      mxd_session record{};
      record.size = sizeof record;
      record.flags = kept.finished_ms ? MXD_SESSION_FINISHED : 0;
      record.created_ms = kept.created_ms;
      record.lifetime_ms = kept.lifetime_ms;
      record.finished_ms = kept.finished_ms.value_or(0);
      record.user_id = view(kept.user);
      record.body_digest = view(kept.digest);
      record.finished_digest = view(kept.digest);
      EXPECT_EQ(host.module().emit_session(op, &record), MXD_INVALID_ARGUMENT) << what;
      return MXD_OK;
    };
    EXPECT_TRUE(is_error(remove("PHONE", with_auth(session_alone(session))), 500, "M_UNKNOWN"))
        << what;
    EXPECT_EQ(host.take_misbehaviour().size(), 1u) << what;
    host.sessions[session] = good;
  };
  for (const int64_t time : {int64_t{-1}, INT64_MIN, INT64_MAX}) {
    host.sessions[session].created_ms = time;
    expect_refused("created_ms");
    host.sessions[session].lifetime_ms = time;
    expect_refused("lifetime_ms");
    host.sessions[session].finished_ms = time;
    expect_refused("finished_ms");
  }
}

TEST_P(Failures, H3_NothingEmitted) {
  const char* const callbacks[] = {"authenticate", "get_device", "uia_create_session",
                                   "uia_load_session", "uia_record"};
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

INSTANTIATE_TEST_SUITE_P(Completion, Failures,
                         testing::Values(Completion::kInline, Completion::kDeferred),
                         [](const auto& mode) {
                           return mode.param == Completion::kInline ? "Inline" : "Deferred";
                         });

}  // namespace
}  // namespace mxd::test
