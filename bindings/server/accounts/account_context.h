// What the server's own endpoints share.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/server/accounts/attempt_limits.h"
#include "bindings/server/accounts/registration_file.h"
#include "bindings/server/accounts/registration_sessions.h"
#include "bindings/server/accounts/workers.h"
#include "bindings/server/http/http_message.h"
#include "bindings/server/settings.h"
#include "bindings/server/store.h"

namespace mxd::server {

// For a status that the caller did not expect: 503, 504, 500.
Response store_failure(int32_t status, std::string_view cause);

struct AccountContext {
  const Store& store;
  Workers& workers;           // for commits
  Workers& password_workers;  // for what hashes a password, for which nothing else waits; T7
  const CurrentRegistrations& services;
  std::string server_name;
  bool open_registration = false;
  const CurrentSettings& settings;
  bool rate_limits = true;  // unless --no-rate-limits is given
  AttemptLimits limits{settings, rate_limits, &store};
  RegistrationSessions registrations{};

  // Calls `then(user_id)` with whom a name that somebody typed means (T3): perhaps before this
  // returns, perhaps on a thread that is not to be held up. What can be nobody's here stays as it
  // is. Where the store could not tell, the exchange is answered instead; `then` answers it, or
  // throws.
  template <typename Then>
  void with_meant_user(Exchange& exchange, std::string_view name, Then then) const {
    store.resolve_name(name, [&exchange, name = std::string(name), then = std::move(then)](
                                 int32_t status, const mxd_store_user* user,
                                 std::string_view reason) mutable noexcept {
      try {
        if (status == MXD_OK) return then(std::string(user->user_id));
        if (status == MXD_INVALID_ARGUMENT) return then(std::move(name));
        exchange.respond(store_failure(status, reason));
      } catch (const std::exception&) {
        exchange.respond(bare_failure());
      }
    });
  }

  // The service of an as_token; nothing if there is none. It stays good when a SIGHUP replaces it.
  const Registration* service(std::string_view as_token) const;

  // Run `job` where it may wait for a commit, and answer with what it returns.
  template <typename Job>
  void answer_later(Exchange& exchange, Job job) {
    answer_on(workers, exchange, std::move(job));
  }

  // The same where it may hash a password too.
  template <typename Job>
  void answer_after_hashing(Exchange& exchange, Job job) {
    answer_on(password_workers, exchange, std::move(job));
  }

 private:
  template <typename Job>
  static void answer_on(Workers& threads, Exchange& exchange, Job job) {
    const bool queued = threads.run([&threads, &exchange, job = std::move(job)]() mutable {
      exchange.respond(threads.is_closed() ? busy_response() : guarded(job));
    });
    if (!queued) exchange.respond(busy_response());
  }

  template <typename Job>
  static Response guarded(Job& job) noexcept {
    try {
      return job();
    } catch (const std::exception&) {
      return bare_failure();
    }
  }
};

// ---- The endpoints ----

void get_login(AccountContext& context, Exchange& exchange);
void post_login(AccountContext& context, Exchange& exchange);
void post_register(AccountContext& context, Exchange& exchange);
void post_refresh(AccountContext& context, Exchange& exchange);
void post_logout(AccountContext& context, Exchange& exchange);
void post_logout_all(AccountContext& context, Exchange& exchange);
void get_whoami(AccountContext& context, Exchange& exchange);
void get_versions(AccountContext& context, Exchange& exchange);

// ---- What several of them do ----

// Fields of a JSON body. The first that is of a wrong type becomes `refusal`; null is as absent.
class Fields {
 public:
  explicit Fields(const boost::json::object& body) : body_(body) {}

  std::optional<std::string> text(std::string_view key);
  bool flag(std::string_view key);
  const boost::json::object* object(std::string_view key);

  std::optional<Response> refusal;

 private:
  const boost::json::value* find(std::string_view key) const;
  void refuse(std::string_view key, std::string_view wanted);

  const boost::json::object& body_;
};

// What a login and a registration ask for beside the account.
struct DeviceWish {
  std::string device_id;     // empty: a new one
  std::string display_name;  // empty: none
  bool refresh_token = false;
};
// A name that is too long is cut; one with U+0000 is refused. T4
DeviceWish device_wish(Fields& fields, const Settings::Devices& settings);

// Log `name` in on a device and answer with the tokens. Blocks.
Response log_in(const AccountContext& context, const std::string& name, const DeviceWish& wish);

// 401 for a token that is not, or no longer, good.
Response unknown_token_response(bool soft_logout);
Response locked_response();

}  // namespace mxd::server
