// Row H3: results that a callback must not give, and the bounds of those that it may.
#include "tests/unit/auth/browser.h"
#include "tests/unit/host/questions.h"

namespace mxd::test {
namespace {

struct BadResult {
  const char* what;
  const char* callback;
  int32_t (*emit)(const mxd_module&, mxd_op);
};

int32_t emit_device(const mxd_module& module, mxd_op op, mxd_view id) {
  auto device = a_device("");
  device.device_id = id;
  return module.emit_device(op, &device);
}

int32_t emit_principal(const mxd_module& module, mxd_op op, mxd_view mxd_principal::*field,
                       std::string_view text) {
  auto principal = a_principal(kAlice, "PHONE");
  principal.*field = view(text);
  return module.emit_principal(op, &principal);
}

int32_t emit_stage(const mxd_module& module, mxd_op op, uint32_t flow, std::string_view type,
                   std::string_view params = {}) {
  auto stage = a_stage(flow, type);
  stage.params = view(params);
  return module.emit_stage(op, &stage);
}

int32_t emit_completed(const mxd_module& module, mxd_op op, std::string_view type,
                       std::string_view identity) {
  const auto session = a_session("{}");
  EXPECT_EQ(module.emit_session(op, &session), MXD_OK);
  const auto completed = a_completed(type, identity);
  return module.emit_completed(op, &completed);
}

int32_t emit_error(const mxd_module& module, mxd_op op, uint32_t status, std::string_view errcode,
                   std::string_view extra = {}) {
  auto error = an_error(status, errcode);
  error.extra_json = view(extra);
  return module.emit_error(op, &error);
}

const std::string k256(256, 'x');
constexpr std::string_view kNul("a\0b", 3);

const BadResult kBadResults[] = {
    // Devices
    {"a device without an ID", "list_devices",
     [](const mxd_module& m, mxd_op op) { return emit_device(m, op, view("")); }},
    {"a device whose ID is not UTF-8", "list_devices",
     [](const mxd_module& m, mxd_op op) { return emit_device(m, op, view("\xFF")); }},
    {"a device whose ID holds U+0000", "list_devices",
     [](const mxd_module& m, mxd_op op) { return emit_device(m, op, view(kNul)); }},
    {"a device whose ID is too long", "list_devices",
     [](const mxd_module& m, mxd_op op) { return emit_device(m, op, view(k256)); }},
    {"a null view with a size", "list_devices",
     [](const mxd_module& m, mxd_op op) {
       return emit_device(m, op, {nullptr, 1});
     }},
    {"a name that is not UTF-8", "list_devices",
     [](const mxd_module& m, mxd_op op) {
       auto device = a_device("A");
       device.flags = MXD_DEVICE_HAS_DISPLAY_NAME;
       device.display_name = view("\xC3");
       return m.emit_device(op, &device);
     }},
    {"an address that is not UTF-8", "list_devices",
     [](const mxd_module& m, mxd_op op) {
       auto device = a_device("A");
       device.flags = MXD_DEVICE_HAS_LAST_SEEN_IP;
       device.last_seen_ip = view("\x80");
       return m.emit_device(op, &device);
     }},
    {"another device than the one asked for", "get_device",
     [](const mxd_module& m, mxd_op op) { return emit_device(m, op, view("TABLET")); }},
    {"a result of another kind", "list_devices",
     [](const mxd_module& m, mxd_op op) { return m.emit_identity(op, view(kAlice)); }},
    // Principals
    {"a principal without a user", "authenticate",
     [](const mxd_module& m, mxd_op op) {
       return emit_principal(m, op, &mxd_principal::user_id, "");
     }},
    {"a principal with neither device nor token_id", "authenticate",
     [](const mxd_module& m, mxd_op op) {
       return emit_principal(m, op, &mxd_principal::device_id, "");
     }},
    {"a user ID that is too long", "authenticate",
     [](const mxd_module& m, mxd_op op) {
       return emit_principal(m, op, &mxd_principal::user_id, k256);
     }},
    {"a device ID that is too long", "authenticate",
     [](const mxd_module& m, mxd_op op) {
       return emit_principal(m, op, &mxd_principal::device_id, k256);
     }},
    {"a token ID that is too long", "authenticate",
     [](const mxd_module& m, mxd_op op) {
       return emit_principal(m, op, &mxd_principal::token_id, k256);
     }},
    {"a service ID that is too long", "authenticate",
     [](const mxd_module& m, mxd_op op) {
       return emit_principal(m, op, &mxd_principal::service_id, k256);
     }},
    {"a user ID with U+0000", "authenticate",
     [](const mxd_module& m, mxd_op op) {
       return emit_principal(m, op, &mxd_principal::user_id, kNul);
     }},
    {"a token ID that is not UTF-8", "authenticate",
     [](const mxd_module& m, mxd_op op) {
       return emit_principal(m, op, &mxd_principal::token_id, "\xFE");
     }},
    {"a service without its ID", "authenticate",
     [](const mxd_module& m, mxd_op op) {
       auto principal = a_principal(kAlice, "PHONE");
       principal.flags = MXD_PRINCIPAL_APPSERVICE;
       return m.emit_principal(op, &principal);
     }},
    // Flows
    {"a flow out of order", "uia_flows",
     [](const mxd_module& m, mxd_op op) { return emit_stage(m, op, 1, "a"); }},
    {"a stage without a type", "uia_flows",
     [](const mxd_module& m, mxd_op op) { return emit_stage(m, op, 0, ""); }},
    {"a stage whose type is too long", "uia_flows",
     [](const mxd_module& m, mxd_op op) { return emit_stage(m, op, 0, k256); }},
    {"a stage whose type has a control character", "uia_flows",
     [](const mxd_module& m, mxd_op op) { return emit_stage(m, op, 0, "a\nb"); }},
    {"a stage whose type is not UTF-8", "uia_flows",
     [](const mxd_module& m, mxd_op op) { return emit_stage(m, op, 0, "\xFF"); }},
    {"parameters that are no object", "uia_flows",
     [](const mxd_module& m, mxd_op op) { return emit_stage(m, op, 0, "a", "[]"); }},
    {"parameters that are no JSON", "uia_flows",
     [](const mxd_module& m, mxd_op op) { return emit_stage(m, op, 0, "a", "{} }"); }},
    // Sessions
    {"an empty session ID", "uia_create_session",
     [](const mxd_module& m, mxd_op op) { return m.emit_session_id(op, view("")); }},
    {"a session ID that is not UTF-8", "uia_create_session",
     [](const mxd_module& m, mxd_op op) { return m.emit_session_id(op, view("\xFE")); }},
    {"a session ID with U+0000", "uia_create_session",
     [](const mxd_module& m, mxd_op op) { return m.emit_session_id(op, view(kNul)); }},
    {"a session ID that is too long", "uia_create_session",
     [](const mxd_module& m, mxd_op op) { return m.emit_session_id(op, view(k256)); }},
    {"a session without a state", "uia_load_session",
     [](const mxd_module& m, mxd_op op) {
       const auto session = a_session("");
       return m.emit_session(op, &session);
     }},
    {"a session whose state is over 256 KiB", "uia_load_session",
     [](const mxd_module& m, mxd_op op) {
       const std::string large(256 * 1024 + 1, ' ');
       const auto session = a_session(large);
       return m.emit_session(op, &session);
     }},
    {"a session that has no revision", "uia_load_session",
     [](const mxd_module& m, mxd_op op) {
       auto session = a_session("{}");
       session.revision = 0;
       return m.emit_session(op, &session);
     }},
    {"a completed stage without a type", "uia_load_session",
     [](const mxd_module& m, mxd_op op) { return emit_completed(m, op, "", kAlice); }},
    {"a completed stage whose type is too long", "uia_load_session",
     [](const mxd_module& m, mxd_op op) { return emit_completed(m, op, k256, kAlice); }},
    {"a completed stage with a control character", "uia_load_session",
     [](const mxd_module& m, mxd_op op) { return emit_completed(m, op, "a\x7F", kAlice); }},
    {"a completed stage whose identity is too long", "uia_load_session",
     [](const mxd_module& m, mxd_op op) { return emit_completed(m, op, "a", k256); }},
    {"a completed stage whose identity is not UTF-8", "uia_load_session",
     [](const mxd_module& m, mxd_op op) { return emit_completed(m, op, "a", "\xFF"); }},
    // Stages
    {"an identity that is too long", "uia_check",
     [](const mxd_module& m, mxd_op op) { return m.emit_identity(op, view(k256)); }},
    {"an identity with a control character", "uia_check",
     [](const mxd_module& m, mxd_op op) { return m.emit_identity(op, view("@alice\n:test")); }},
    {"a reason that is not UTF-8", "uia_check",
     [](const mxd_module& m, mxd_op op) { return m.emit_reason(op, view("\xFF")); }},
    {"a reason with U+0000", "uia_check",
     [](const mxd_module& m, mxd_op op) { return m.emit_reason(op, view(kNul)); }},
    // Errors of the host's own
    {"an error below 400", "list_devices",
     [](const mxd_module& m, mxd_op op) { return emit_error(m, op, 399, "M_X"); }},
    {"an error above 599", "list_devices",
     [](const mxd_module& m, mxd_op op) { return emit_error(m, op, 600, "M_X"); }},
    {"an error without a code", "list_devices",
     [](const mxd_module& m, mxd_op op) { return emit_error(m, op, 400, ""); }},
    {"an error whose code is too long", "list_devices",
     [](const mxd_module& m, mxd_op op) { return emit_error(m, op, 400, k256); }},
    {"an error whose extra members are no object", "list_devices",
     [](const mxd_module& m, mxd_op op) { return emit_error(m, op, 400, "M_X", "1"); }},
    {"a negative time to retry after", "list_devices",
     [](const mxd_module& m, mxd_op op) { return m.emit_retry_after(op, -1); }},
};

class BadResults : public Rows {
 protected:
  BadResults() { host.config = kAsksAll; }

  // Asks this callback.
  Response ask(std::string_view callback) {
    for (const auto& question : questions()) {
      if (question.callback == callback) return send(question.request);
    }
    ADD_FAILURE() << callback << " is asked by nothing";
    return {};
  }
};

TEST_P(BadResults, H3_ResultsThatMustNotBeGiven) {
  for (const auto& bad : kBadResults) {
    SCOPED_TRACE(bad.what);
    host.scripts[bad.callback] = [&](mxd_op op) {
      EXPECT_EQ(bad.emit(host.module(), op), MXD_INVALID_ARGUMENT);
      return MXD_OK;
    };
    EXPECT_TRUE(is_error(ask(bad.callback), 500, "M_UNKNOWN"));
    const auto lines = host.take_misbehaviour();
    EXPECT_EQ(lines.size(), 1u);
    if (!lines.empty()) {
      EXPECT_NE(lines[0].find(bad.callback), std::string::npos) << lines[0];
    }
    host.scripts.clear();
    EXPECT_EQ(get(kDevices).status, 200);
  }
}

TEST_P(BadResults, H3_ResultsThatMayBeGivenOnce) {
  const BadResult once[] = {
      {"two principals", "authenticate",
       [](const mxd_module& m, mxd_op op) {
         return emit_principal(m, op, &mxd_principal::device_id, "PHONE");
       }},
      {"two devices", "get_device",
       [](const mxd_module& m, mxd_op op) { return emit_device(m, op, view("PHONE")); }},
      {"two session IDs", "uia_create_session",
       [](const mxd_module& m, mxd_op op) { return m.emit_session_id(op, view("secret-s")); }},
      {"two sessions", "uia_load_session",
       [](const mxd_module& m, mxd_op op) {
         const auto session = a_session("{}");
         return m.emit_session(op, &session);
       }},
      {"two identities", "uia_check",
       [](const mxd_module& m, mxd_op op) { return m.emit_identity(op, view(kAlice)); }},
  };
  for (const auto& bad : once) {
    SCOPED_TRACE(bad.what);
    host.scripts[bad.callback] = [&](mxd_op op) {
      EXPECT_EQ(bad.emit(host.module(), op), MXD_OK);
      EXPECT_EQ(bad.emit(host.module(), op), MXD_INVALID_ARGUMENT);
      return MXD_OK;
    };
    EXPECT_TRUE(is_error(ask(bad.callback), 500, "M_UNKNOWN"));
    EXPECT_EQ(host.take_misbehaviour().size(), 1u);
    host.scripts.clear();
  }
}

TEST_P(BadResults, H3_TheTextOfADeviceIsJudgedWhateverItIsAskedFor) {
  host.config = R"({"fallback_pages":true})";
  Browser page(host, session_of(remove("PHONE")), "m.login.password");
  const struct {
    uint32_t flag;
    mxd_view mxd_device::*field;
  } fields[] = {{MXD_DEVICE_HAS_DISPLAY_NAME, &mxd_device::display_name},
                {MXD_DEVICE_HAS_LAST_SEEN_IP, &mxd_device::last_seen_ip}};
  for (const auto& [flag, field] : fields) {
    host.scripts["get_device"] = [&, flag = flag, field = field](mxd_op op) {
      auto device = a_device("PHONE");
      device.flags = flag;
      device.*field = view("\xC3\xA9, and then \xC3");
      EXPECT_EQ(host.module().emit_device(op, &device), MXD_INVALID_ARGUMENT);
      return MXD_OK;
    };
    const std::string one = std::string(kDevices) + "/PHONE";
    EXPECT_TRUE(is_error(get(one), 500, "M_UNKNOWN"));
    EXPECT_TRUE(is_error(put("PHONE", "{}"), 500, "M_UNKNOWN"));
    EXPECT_EQ(page.open().status, 500) << "names the device";
    EXPECT_EQ(host.take_misbehaviour().size(), 3u);
  }
}

TEST_P(BadResults, NulIsShownInWhatOldRowsHold) {
  host.users[kAlice].devices = {
      {"A", {.display_name = std::string(kNul), .last_seen_ip = std::string(kNul)}}};
  EXPECT_TRUE(is_ok(get(kDevices), 200,
                    R"({"devices":[{"device_id":"A","display_name":"a\u0000b",)"
                    R"("last_seen_ip":"a\u0000b"}]})"));
}

// ---- Bounds of flows ----

// So many stages in each of so many flows.
std::vector<Names> flows_of(size_t flows, size_t stages) {
  std::vector<Names> all;
  for (size_t flow = 0; flow < flows; ++flow) {
    Names types;
    for (size_t stage = 0; stage + 1 < stages; ++stage)
      types.push_back("x." + std::to_string(flow) + "." + std::to_string(stage));
    types.push_back("m.login.password");
    all.push_back(types);
  }
  return all;
}

TEST_P(BadResults, AsManyFlowsAndStagesAsThereMayBe) {
  for (const auto& flows : {flows_of(32, 2), flows_of(4, 16), flows_of(32, 1)}) {
    host.flows = flows;
    EXPECT_TRUE(is_challenge(remove("PHONE"), {.flows = flows}));
  }
  host.flows = {{std::string(255, 'x')}};
  EXPECT_TRUE(is_challenge(remove("PHONE"), {.flows = host.flows}));
}

TEST_P(BadResults, H3_MoreFlowsOrStagesThanThereMayBe) {
  const struct {
    std::vector<Names> flows;
    size_t good;  // stages that are taken
  } cases[] = {{flows_of(33, 1), 32}, {flows_of(1, 17), 16}, {flows_of(13, 5), 64}};
  for (const auto& row : cases) {
    host.scripts["uia_flows"] = [&](mxd_op op) {
      size_t count = 0;
      for (uint32_t flow = 0; flow < row.flows.size(); ++flow) {
        for (const auto& type : row.flows[flow]) {
          const bool good = count++ < row.good;
          EXPECT_EQ(emit_stage(host.module(), op, flow, type), good ? MXD_OK : MXD_INVALID_ARGUMENT)
              << "stage " << count;
        }
      }
      return MXD_OK;
    };
    EXPECT_TRUE(is_error(remove("PHONE"), 500, "M_UNKNOWN"));
    EXPECT_EQ(host.take_misbehaviour().size(), 1u);
  }
}

INSTANTIATE_TEST_SUITE_P(Completion, BadResults, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
