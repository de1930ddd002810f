// Row H3: every number that a host gives is checked before it is reckoned with.
#include <cstdint>

#include "tests/unit/host/questions.h"

namespace mxd::test {
namespace {

// A number that the host gives, in a result that is good but for that.
struct Number {
  const char* what;
  const char* callback;
  void (*emit)(const mxd_module&, mxd_op, int64_t value);
};

template <class Record, class Field>
void emit_with(int32_t (*emit)(mxd_op, const Record*) noexcept, mxd_op op, Record record,
               Field Record::*field, int64_t value) {
  record.*field = static_cast<Field>(value);
  emit(op, &record);
}

mxd_device a_seen_device() {
  auto device = a_device("PHONE");
  device.flags = MXD_DEVICE_HAS_LAST_SEEN_TS;
  return device;
}

mxd_principal a_validated_principal() {
  auto principal = a_principal(kAlice, "PHONE");
  principal.flags = MXD_PRINCIPAL_HAS_VALIDATED_MS;
  return principal;
}

// A record's `size` is how much of it there is: no more than there is can be claimed here.
const Number kNumbers[] = {
    {"principal.flags", "authenticate",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       auto principal = a_validated_principal();
       principal.service_id = view("bridge");
       emit_with(m.emit_principal, op, principal, &mxd_principal::flags, value);
     }},
    {"principal.validated_ms", "authenticate",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       emit_with(m.emit_principal, op, a_validated_principal(), &mxd_principal::validated_ms,
                 value);
     }},
    {"principal.reserved", "authenticate",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       emit_with(m.emit_principal, op, a_validated_principal(), &mxd_principal::reserved, value);
     }},
    {"device.flags", "list_devices",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       emit_with(m.emit_device, op, a_seen_device(), &mxd_device::flags, value);
     }},
    {"device.last_seen_ts_ms", "list_devices",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       emit_with(m.emit_device, op, a_seen_device(), &mxd_device::last_seen_ts_ms, value);
     }},
    {"the only flow", "uia_flows",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       emit_with(m.emit_stage, op, a_stage(0, "m.login.password"), &mxd_uia_stage::flow, value);
     }},
    {"the second flow", "uia_flows",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       const auto first = a_stage(0, "m.login.password");
       m.emit_stage(op, &first);
       emit_with(m.emit_stage, op, a_stage(0, "m.login.sso"), &mxd_uia_stage::flow, value);
     }},
    {"stage.flags", "uia_flows",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       emit_with(m.emit_stage, op, a_stage(0, "m.login.password"), &mxd_uia_stage::flags, value);
     }},
    {"stage.reserved", "uia_flows",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       emit_with(m.emit_stage, op, a_stage(0, "m.login.password"), &mxd_uia_stage::reserved, value);
     }},
    {"session.flags", "uia_load_session",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       emit_with(m.emit_session, op, a_session("{}"), &mxd_uia_kept::flags, value);
     }},
    {"session.revision", "uia_load_session",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       emit_with(m.emit_session, op, a_session("{}"), &mxd_uia_kept::revision, value);
     }},
    {"completed.flags", "uia_load_session",
     [](const mxd_module& m, mxd_op op, int64_t value) {
       const auto session = a_session("{}");
       m.emit_session(op, &session);
       emit_with(m.emit_completed, op, a_completed("m.login.sso", kAlice),
                 &mxd_uia_completed::flags, value);
     }},
};

// What any callback may emit, and then complete with this.
struct Failure {
  const char* what;
  int32_t status;
  void (*emit)(const mxd_module&, mxd_op, int64_t value);
};

const Failure kFailures[] = {
    {"error.http_status", MXD_HOST_ERROR,
     [](const mxd_module& m, mxd_op op, int64_t value) {
       emit_with(m.emit_error, op, an_error(429, "M_UNKNOWN"), &mxd_error::http_status, value);
     }},
    {"error.retry_after_ms", MXD_HOST_ERROR,
     [](const mxd_module& m, mxd_op op, int64_t value) {
       emit_with(m.emit_error, op, an_error(429, "M_UNKNOWN"), &mxd_error::retry_after_ms, value);
     }},
    {"retry_after_ms", MXD_UNAVAILABLE,
     [](const mxd_module& m, mxd_op op, int64_t value) { m.emit_retry_after(op, value); }},
    {"retry_after_ms of a limit", MXD_LIMIT_EXCEEDED,
     [](const mxd_module& m, mxd_op op, int64_t value) { m.emit_retry_after(op, value); }},
};

constexpr int64_t kValues[] = {0,
                               1,
                               2,
                               -1,
                               -2,
                               INT32_MAX - 1,
                               INT32_MAX,
                               UINT32_MAX - 1,
                               UINT32_MAX,
                               (int64_t{1} << 53) - 1,
                               int64_t{1} << 53,
                               (int64_t{1} << 53) + 1,
                               INT64_MAX - 1,
                               INT64_MAX,
                               INT64_MIN,
                               INT64_MIN + 1};

class Numbers : public Rows {
 protected:
  Numbers() { host.config = kAsksAll; }

  // Asks this callback in every way; whatever the answer, it is one, and the next request works.
  void ask(std::string_view callback) {
    for (const auto& [name, request] : questions()) {
      if (name != callback) continue;
      const auto response = send(request);
      EXPECT_TRUE(response.status >= 200 && response.status < 600) << response;
      if (const auto seconds = response.header("Retry-After")) {
        EXPECT_EQ(seconds->find_first_not_of("0123456789"), std::string::npos) << *seconds;
      }
    }
    host.scripts.clear();
    host.take_misbehaviour();
    host.users = users_;
    host.tokens = tokens_;
    EXPECT_EQ(get(kDevices).status, 200);
  }

 private:
  const std::map<std::string, User> users_ = host.users;
  const std::map<std::string, Token> tokens_ = host.tokens;
};

TEST_P(Numbers, H3_EveryNumberOfEveryResultIsCheckedBeforeItIsReckonedWith) {
  for (const auto& number : kNumbers) {
    for (const int64_t value : kValues) {
      SCOPED_TRACE(std::string(number.what) + " " + std::to_string(value));
      host.scripts[number.callback] = [&](mxd_op op) {
        number.emit(host.module(), op, value);
        return MXD_OK;
      };
      ask(number.callback);
    }
  }
}

TEST_P(Numbers, H3_EveryNumberOfAFailureToo) {
  for (const auto& failure : kFailures) {
    for (const int64_t value : kValues) {
      for (const auto& question : questions()) {
        SCOPED_TRACE(std::string(question.callback) + ": " + failure.what + " " +
                     std::to_string(value));
        host.scripts[question.callback] = [&](mxd_op op) {
          failure.emit(host.module(), op, value);
          return failure.status;
        };
        ask(question.callback);
      }
    }
  }
}

TEST_P(Numbers, H3_WaitsOfTheHostsLimits) {
  host.share_limits();
  for (const int64_t value : kValues) {
    SCOPED_TRACE(value);
    for (const char* body : {"", R"({"auth":{"type":"m.login.dummy"}})"}) {
      host.scripts["take_limit"] = [&](mxd_op op) {
        host.module().emit_retry_after(op, value);
        return MXD_LIMIT_EXCEEDED;
      };
      const auto response = remove("PHONE", body);
      if (value < 0) {
        EXPECT_TRUE(is_error(response, 500, "M_UNKNOWN"));
        EXPECT_EQ(host.take_misbehaviour().size(), 1u);
      } else {
        EXPECT_TRUE(is_error(response, 429, "M_LIMIT_EXCEEDED"));
        EXPECT_EQ(response.json().at("retry_after_ms").to_number<int64_t>(),
                  value == 0 ? 1000 : value);
      }
      host.scripts.clear();
    }
  }
}

TEST_P(Numbers, H3_EveryStatus) {
  for (const auto& question : questions()) {
    for (const int64_t value : kValues) {
      SCOPED_TRACE(std::string(question.callback) + " completes with " + std::to_string(value));
      host.scripts[question.callback] = [&](mxd_op) { return static_cast<int32_t>(value); };
      ask(question.callback);
    }
  }
}

TEST_P(Numbers, H3_AnyClock) {
  const std::string session = session_of(remove("PHONE"));
  const int64_t before = host.now_ms;
  for (const int64_t now : kValues) {
    SCOPED_TRACE(now);
    host.now_ms = now;
    remove("PHONE", with_auth(password_stage(session, "alice", "secret-guess")));
    remove("PHONE", with_auth(session_alone(session)));
    remove("PHONE");
    put("NEW" + std::to_string(now), "{}", kServiceToken);
    EXPECT_EQ(get(kDevices).status, 200);
  }
  host.now_ms = before;
  EXPECT_EQ(host.deletions, 0);
}

INSTANTIATE_TEST_SUITE_P(Completion, Numbers, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
