// What a dialogue costs: no callback but these. Reads and writes are those of sessions; a deletion
// is a write.
#include <algorithm>

#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

class Costs : public Rows {
 protected:
  Request deletion(const std::string& auth, const Names& ids = {"TABLET"}) {
    return {.method = "POST",
            .target = kDeleteDevices,
            .token = kPhoneToken,
            .body = with_auth(auth, deletion_of(ids))};
  }

  // Sends it, and says what that cost: "reads/writes".
  std::string cost(const Request& request, int status = 200) {
    host.forget_calls();
    const auto response = host.send(request);
    EXPECT_EQ(response.status, status) << response;
    int reads = 0;
    int writes = 0;
    for (const auto& call : host.calls()) {
      if (call == "uia_load_session") ++reads;
      if (call == "uia_create_session" || call == "uia_replace_session" ||
          call == "delete_devices") {
        ++writes;
      }
    }
    return std::to_string(reads) + "/" + std::to_string(writes);
  }
};

TEST_P(Costs, Challenge) {
  EXPECT_EQ(cost(deletion("{}"), 401), "0/1");
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_flows", "uia_create_session"}));
}

TEST_P(Costs, PasswordOnTheSecondRequest) {
  const auto session = begin({"TABLET"});
  EXPECT_EQ(cost(deletion(password_stage(session))), "1/2");
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_load_session", "uia_flows", "uia_check",
                                 "uia_replace_session", "delete_devices"}));
}

TEST_P(Costs, PasswordWithoutASession) {
  EXPECT_EQ(cost(deletion(password_stage(""))), "0/3");
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_flows", "uia_create_session", "uia_check",
                                 "uia_replace_session", "delete_devices"}));
}

TEST_P(Costs, Repeat) {
  const auto session = begin({"TABLET"});
  host.send(deletion(password_stage(session)));
  EXPECT_EQ(cost(deletion(password_stage(session))), "1/1");
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_load_session", "delete_devices"}));
}

TEST_P(Costs, WrongPassword) {
  const auto session = begin({"TABLET"});
  EXPECT_EQ(cost(deletion(password_stage(session, "alice", "wrong")), 401), "1/0");
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_load_session", "uia_flows", "uia_check"}));
}

TEST_P(Costs, StateOfASession) {
  const auto session = begin({"TABLET"});
  EXPECT_EQ(cost(deletion(session_alone(session)), 401), "1/0");
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_load_session", "uia_flows"}));
}

TEST_P(Costs, ABodyThatChangesWithoutProgress) {
  host.config = R"({"uia":{"body_binding":"lenient"}})";
  const auto session = begin({"TABLET"});
  EXPECT_EQ(cost(deletion(session_alone(session), {"LAPTOP"}), 401), "1/1") << "one write more";
  EXPECT_EQ(cost(deletion(session_alone(session), {"LAPTOP"}), 401), "1/0");
  EXPECT_EQ(cost(deletion(password_stage(session), {"TABLET"})), "1/2")
      << "with progress it costs nothing more";
}

TEST_P(Costs, AConflict) {
  const auto session = begin({"TABLET"});
  host.before["uia_replace_session"] = [&] { ++host.sessions[session].revision; };
  EXPECT_EQ(cost(deletion(password_stage(session))), "2/3") << "one read and one write more";
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_load_session", "uia_flows", "uia_check",
                                 "uia_replace_session", "uia_load_session", "uia_replace_session",
                                 "delete_devices"}))
      << "neither the flows nor the credentials are asked about again";
}

INSTANTIATE_TEST_SUITE_P(Completion, Costs, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
