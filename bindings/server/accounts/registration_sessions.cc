#include "bindings/server/accounts/registration_sessions.h"

#include <array>

namespace mxd::server {
namespace {

constexpr size_t kMarkBytes = 4;
constexpr size_t kIdBytes = 16;

template <size_t kBytes>
std::string random_hex() {
  std::array<unsigned char, kBytes> random{};
  std::array<char, 2 * random.size() + 1> hex{};
  randombytes_buf(random.data(), random.size());
  sodium_bin2hex(hex.data(), hex.size(), random.data(), random.size());
  return hex.data();
}

}  // namespace

RegistrationSessions::RegistrationSessions() : mark_(random_hex<kMarkBytes>()) {}

bool RegistrationSessions::may_be_of_another(std::string_view id) const {
  return id.size() == 2 * kIdBytes && id.find_first_not_of("0123456789abcdef") == id.npos &&
         id.substr(0, mark_.size()) != mark_;
}

std::string RegistrationSessions::begin(std::string parameters, Time now) {
  std::string id = mark_ + random_hex<kIdBytes - kMarkBytes>();
  Session session{id, now, std::make_unique<const Parameters>(std::move(parameters))};
  insert(std::move(session));
  return id;
}

std::optional<RegistrationSessions::Session> RegistrationSessions::take(std::string_view id,
                                                                        Time now) {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(std::string(id));
  if (found == by_id_.end()) return std::nullopt;
  Session session = std::move(*found->second);
  sessions_.erase(found->second);
  by_id_.erase(found);
  if (now - session.began >= kLifetime) return std::nullopt;
  return session;
}

void RegistrationSessions::put_back(Session session) {
  insert(std::move(session));
}

void RegistrationSessions::insert(Session session) {
  const std::lock_guard lock(mutex_);
  while (!sessions_.empty() && (sessions_.size() >= kMaxSessions ||
                                session.began - sessions_.front().began >= kLifetime)) {
    by_id_.erase(sessions_.front().id);
    sessions_.pop_front();
  }
  std::list<Session> one;  // in both, or in neither
  one.push_back(std::move(session));
  by_id_.emplace(one.front().id, one.begin());
  sessions_.splice(sessions_.end(), one);
}

}  // namespace mxd::server
