#include <sodium/crypto_generichash.h>

#include <string>

#include "abi/check/steps/steps.h"
#include "abi/check/text.h"

namespace mxd::check {
namespace {

constexpr std::string_view kState = "{ \"left\":\"\\u0000\U0001f600\" }";

Replacement replacement_of(Check& check, std::string_view by) {
  Replacement replacement;
  replacement.session_id = check.note("left");
  replacement.revision = check.number("left_revision");
  replacement.state = std::string(kState) + std::string(by);
  return replacement;
}

// A list of devices in few bytes.
std::string digest_of(const Answer& list) {
  std::string ids;
  for (const Device& device : list.devices)
    ids += device.device_id + '\n';
  std::string digest(crypto_generichash_BYTES_MIN, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(digest.data()), digest.size(),
                     reinterpret_cast<const unsigned char*>(ids.data()), ids.size(), nullptr, 0);
  return base64url(digest);
}

// Loads the session that was left: whether it stands as it was replaced last, by `by`.
Task<bool> stands(Check& check, std::string_view promise, std::string_view by) {
  const Answer loaded = co_await check.load_session(check.note("left"));
  if (!check.is(promise, loaded, MXD_OK, "uia_load_session")) co_return false;
  co_return check.say(promise,
                      loaded.kept->revision == check.number("left_revision") &&
                          loaded.kept->state == std::string(kState) + std::string(by),
                      "the session is at revision " + std::to_string(loaded.kept->revision) +
                          " instead of " + std::to_string(check.number("left_revision")) +
                          ", or has another state");
}

}  // namespace

Task<> leave_session(Check& check) {
  Session session;
  session.state = "{}";
  const Answer created = co_await check.create_session(session);
  if (created.status != MXD_OK) co_return;
  check.notes()["left"] = check.id_of(created);
  check.notes()["left_revision"] = 1;
  const Replacement replacement = replacement_of(check, "here");
  const Answer replaced = co_await check.replace_session(replacement);
  if (replaced.status == MXD_OK) check.notes()["left_revision"] = 2;
  check.notes()["by"] = "here";
  const Answer list = co_await check.list_devices();
  check.notes()["list"] = digest_of(list);
}

// In another process.
Task<> replace_elsewhere(Check& check) {
  if (check.note("left").empty()) {
    check.not_tried("uia_load_session.elsewhere", "no session could be left for it");
    co_return;
  }
  const bool right = co_await stands(check, "uia_load_session.elsewhere", "here");
  if (!right) co_return;
  const Replacement replacement = replacement_of(check, "elsewhere");
  const Answer replaced = co_await check.replace_session(replacement);
  if (!check.is("uia_replace_session.elsewhere", replaced, MXD_OK, "uia_replace_session")) {
    co_return;
  }
  check.notes()["left_revision"] = check.number("left_revision") + 1;
  check.notes()["by"] = "elsewhere";
}

Task<> see_elsewhere(Check& check) {
  if (check.note("by") != "elsewhere") co_return;
  Replacement replacement = replacement_of(check, "late");
  replacement.revision -= 1;
  const Answer late = co_await check.replace_session(replacement);
  check.is("uia_replace_session.elsewhere", late, MXD_CONFLICT,
           "uia_replace_session of a revision that another process replaced");
  co_await stands(check, "uia_load_session.elsewhere", "elsewhere");
}

Task<> load_restarted(Check& check) {
  if (check.note("left").empty()) {
    check.not_tried("uia_load_session.after_restart", "no session could be left for it");
  } else {
    co_await stands(check, "uia_load_session.after_restart", check.note("by"));
  }
  const Answer list = co_await check.list_devices();
  if (check.is("list_devices.after_restart", list, MXD_OK, "list_devices after the restart")) {
    check.say("list_devices.after_restart", digest_of(list) == check.note("list"),
              "the list is another one");
  }
}

}  // namespace mxd::check
