// The questions of Check: each fills the struct of its callback, lends it, and calls.
#include <algorithm>
#include <boost/json.hpp>
#include <deque>
#include <utility>

#include "abi/check/check.h"
#include "abi/check/text.h"

namespace mxd::check {
namespace {

constexpr uint32_t kFlagOfTomorrow = 1U << 30;

// A struct of the contract with all that it points to. The struct itself stays as it is when it is
// taken back: only what a host might keep is overwritten.
template <class Record>
class LentRecord final : public Lent {
 public:
  LentRecord() { record().size = sizeof(Record); }

  Record& record() { return grown_.record; }
  // As a later minor would pass it.
  void grow() {
    grown_.record.size = sizeof grown_;
    grown_.record.flags |= kFlagOfTomorrow;
    grown_.of_tomorrow = ~uint64_t{0};
  }
  mxd_view keep(std::string_view text) {
    if (text.empty()) return {nullptr, 0};
    return view(texts_.emplace_back(text));
  }
  std::vector<mxd_view>& views() { return views_; }
  std::vector<mxd_limit>& limits() { return limits_; }

  void take_back() noexcept override {
    for (std::string& text : texts_)
      std::fill(text.begin(), text.end(), kTakenBack);
  }

 private:
  struct Grown {
    Record record{};
    uint64_t of_tomorrow = 0;
  };
  Grown grown_;
  std::deque<std::string> texts_;
  std::vector<mxd_view> views_;
  std::vector<mxd_limit> limits_;
};

template <class Record>
using Slot = int32_t (*mxd_host::*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie,
                                    const Record*) MXD_NOEXCEPT;

template <class Record>
Question question(Dialogue& dialogue, Callback callback, Slot<Record> slot,
                  std::shared_ptr<LentRecord<Record>> lent) {
  const mxd_host& host = dialogue.instance().host();
  const mxd_cookie principal = dialogue.principal() ? dialogue.principal()->cookie : 0;
  auto call = [&host, slot, principal, record = &lent->record(),
               request = dialogue.request().cookie](mxd_op op) {
    return (host.*slot)(host.cookie, request, op, principal, record);
  };
  return Question(dialogue, callback, std::move(lent), std::move(call));
}

template <class Record>
std::shared_ptr<LentRecord<Record>> lend() {
  return std::make_shared<LentRecord<Record>>();
}

}  // namespace

Question Check::authenticate() {
  const auto lent = lend<mxd_credentials>();
  mxd_credentials& record = lent->record();
  record.access_token = lent->keep(request().token);
  record.remote_addr = lent->keep(request().remote_addr);
  if (request().user_id) {
    record.flags |= MXD_CREDENTIALS_HAS_USER_ID;
    record.user_id = lent->keep(*request().user_id);
  }
  if (request().device_id) {
    record.flags |= MXD_CREDENTIALS_HAS_DEVICE_ID;
    record.device_id = lent->keep(*request().device_id);
  }
  return question(dialogue_, Callback::kAuthenticate, &mxd_host::authenticate, lent);
}

Question Check::list_devices(bool grown) {
  const auto lent = lend<mxd_device_query>();
  lent->record().user_id = lent->keep(me().user_id);
  if (grown) lent->grow();
  return question(dialogue_, Callback::kListDevices, &mxd_host::list_devices, lent);
}

Question Check::get_device(std::string_view device_id, bool grown) {
  const auto lent = lend<mxd_device_key>();
  lent->record().user_id = lent->keep(me().user_id);
  lent->record().device_id = lent->keep(device_id);
  if (grown) lent->grow();
  return question(dialogue_, Callback::kGetDevice, &mxd_host::get_device, lent);
}

Question Check::rename_device(std::string_view device_id, std::string_view name) {
  const auto lent = lend<mxd_device_update>();
  mxd_device_update& record = lent->record();
  record.flags = MXD_UPDATE_SET_DISPLAY_NAME;
  record.user_id = lent->keep(me().user_id);
  record.device_id = lent->keep(device_id);
  record.display_name = lent->keep(name);
  return question(dialogue_, Callback::kRenameDevice, &mxd_host::rename_device, lent);
}

Question Check::put_device(std::string_view device_id, std::optional<std::string_view> name,
                           int64_t max_devices) {
  const auto lent = lend<mxd_device_update>();
  mxd_device_update& record = lent->record();
  record.flags = name ? MXD_UPDATE_SET_DISPLAY_NAME : 0;
  record.max_devices = max_devices;
  record.user_id = lent->keep(me().user_id);
  record.device_id = lent->keep(device_id);
  if (name) record.display_name = lent->keep(*name);
  return question(dialogue_, Callback::kPutDevice, &mxd_host::put_device, lent);
}

Question Check::delete_devices(const std::vector<std::string>& device_ids) {
  const auto lent = lend<mxd_deletion>();
  for (const std::string& id : device_ids)
    lent->views().push_back(lent->keep(id));
  std::sort(lent->views().begin(), lent->views().end(),
            [](mxd_view left, mxd_view right) { return text(left) < text(right); });
  lent->record().user_id = lent->keep(me().user_id);
  lent->record().device_ids = lent->views().data();
  lent->record().device_id_count = lent->views().size();
  return question(dialogue_, Callback::kDeleteDevices, &mxd_host::delete_devices, lent);
}

Question Check::uia_flows() {
  const auto lent = lend<mxd_uia_operation>();
  mxd_uia_operation& record = lent->record();
  record.user_id = lent->keep(me().user_id);
  record.device_id = lent->keep(me().device_id);
  record.method = lent->keep("POST");
  record.endpoint = lent->keep("/delete_devices");
  return question(dialogue_, Callback::kUiaFlows, &mxd_host::uia_flows, lent);
}

Question Check::create_session(const Session& session) {
  const auto lent = lend<mxd_uia_session>();
  mxd_uia_session& record = lent->record();
  record.expires_ms = now_ms() + session.lifetime_ms;
  record.max_live = session.max_live;
  proposed_ = random_id();
  record.proposed_id = lent->keep(proposed_);
  record.user_id = lent->keep(me().user_id);
  record.device_id = lent->keep(me().device_id);
  record.token_id = lent->keep(me().token_id);
  record.state = lent->keep(session.state);
  record.method = lent->keep("POST");
  record.endpoint = lent->keep("/delete_devices");
  record.target = lent->keep("/_matrix/client/v3/delete_devices");
  record.description = lent->keep("Sign out 1 device");
  return question(dialogue_, Callback::kUiaCreateSession, &mxd_host::uia_create_session, lent);
}

Question Check::load_session(std::string_view session_id, bool grown) {
  const auto lent = lend<mxd_uia_session_key>();
  lent->record().session_id = lent->keep(session_id);
  if (grown) lent->grow();
  return question(dialogue_, Callback::kUiaLoadSession, &mxd_host::uia_load_session, lent);
}

Question Check::replace_session(const Replacement& replacement) {
  const auto lent = lend<mxd_uia_replacement>();
  mxd_uia_replacement& record = lent->record();
  record.flags = replacement.finished ? MXD_UIA_FINISHED : 0;
  record.revision = replacement.revision;
  record.expires_ms = now_ms() + replacement.lifetime_ms;
  record.session_id = lent->keep(replacement.session_id);
  record.user_id = lent->keep(me().user_id);
  record.state = lent->keep(replacement.state);
  return question(dialogue_, Callback::kUiaReplaceSession, &mxd_host::uia_replace_session, lent);
}

Question Check::try_stage(const Attempt& attempt) {
  const auto lent = lend<mxd_uia_attempt>();
  mxd_uia_attempt& record = lent->record();
  const auto field = [&](const std::optional<std::string>& value, uint32_t flag, mxd_view& out) {
    if (!value) return;
    record.flags |= flag;
    out = lent->keep(*value);
  };
  field(attempt.user, MXD_ATTEMPT_HAS_USER, record.user);
  field(attempt.medium, MXD_ATTEMPT_HAS_THIRDPARTY, record.medium);
  field(attempt.address, MXD_ATTEMPT_HAS_THIRDPARTY, record.address);
  field(attempt.country, MXD_ATTEMPT_HAS_COUNTRY, record.country);
  field(attempt.password, MXD_ATTEMPT_HAS_PASSWORD, record.password);
  boost::json::object auth = attempt.auth;
  auth["type"] = attempt.type;
  auth["session"] = attempt.session_id;
  if (attempt.password) auth["password"] = *attempt.password;
  if (attempt.user) auth["identifier"] = {{"type", "m.id.user"}, {"user", *attempt.user}};
  if (attempt.country) {
    auth["identifier"] = {
        {"type", "m.id.phone"}, {"country", *attempt.country}, {"phone", *attempt.address}};
  } else if (attempt.address) {
    auth["identifier"] = {
        {"type", "m.id.thirdparty"}, {"medium", *attempt.medium}, {"address", *attempt.address}};
  }
  record.user_id = lent->keep(me().user_id);
  record.device_id = lent->keep(me().device_id);
  record.session_id = lent->keep(attempt.session_id);
  record.type = lent->keep(attempt.type);
  record.remote_addr = lent->keep(request().remote_addr);
  record.auth_json = lent->keep(boost::json::serialize(auth));
  return question(dialogue_, Callback::kUiaCheck, &mxd_host::uia_check, lent);
}

Question Check::mark_validated(int64_t validated_ms) {
  const auto lent = lend<mxd_validation>();
  lent->record().validated_ms = validated_ms;
  lent->record().user_id = lent->keep(me().user_id);
  lent->record().device_id = lent->keep(me().device_id);
  lent->record().token_id = lent->keep(me().token_id);
  return question(dialogue_, Callback::kMarkValidated, &mxd_host::mark_validated, lent);
}

Question Check::take_limit(const std::vector<Bucket>& buckets, int32_t units) {
  const auto lent = lend<mxd_limit_request>();
  for (const Bucket& bucket : buckets) {
    lent->limits().push_back(mxd_limit{bucket.burst, bucket.interval_ms, lent->keep(bucket.name),
                                       lent->keep(bucket.key)});
  }
  lent->record().units = units;
  lent->record().limits = lent->limits().data();
  lent->record().limit_count = lent->limits().size();
  return question(dialogue_, Callback::kTakeLimit, &mxd_host::take_limit, lent);
}

}  // namespace mxd::check
