#include "bindings/store/common/services.h"

#include <algorithm>
#include <utility>

#include "bindings/store/common/text.h"

namespace mxd::store {
namespace {

// From the start, and not to the end: "@irc_" covers "@irc_a". accounts.md, T9
bool matches(const RE2& users, std::string_view user_id) {
  return users.Match(re2::StringPiece(user_id.data(), user_id.size()), 0, user_id.size(),
                     RE2::ANCHOR_START, nullptr, 0);
}

Outcome compile(const mxd_store_service& given, std::vector<Service::Namespace>& namespaces) {
  RE2::Options options;
  options.set_log_errors(false);
  for (size_t i = 0; i < given.user_namespace_count; ++i) {
    const std::string_view expression = text(given.user_namespaces[i]);
    auto users = std::make_unique<const RE2>(re2::StringPiece(expression.data(), expression.size()),
                                             options);
    if (!users->ok()) {
      return {MXD_INVALID_ARGUMENT, "service " + std::string(text(given.id)) + ": the expression " +
                                        std::string(expression) +
                                        " is none of RE2's: " + users->error()};
    }
    const bool is_exclusive = given.exclusive != nullptr && given.exclusive[i] != 0;
    namespaces.push_back({std::move(users), is_exclusive});
  }
  return {};
}

}  // namespace

bool Service::covers(std::string_view user_id) const {
  return user_id == sender || std::any_of(namespaces.begin(), namespaces.end(), [&](const auto& n) {
           return matches(*n.users, user_id);
         });
}

bool Service::reserves(std::string_view user_id) const {
  return std::any_of(namespaces.begin(), namespaces.end(),
                     [&](const auto& n) { return n.is_exclusive && matches(*n.users, user_id); });
}

Services::Services() {
  publish(std::make_unique<const Table>());
}

Outcome Services::add(const mxd_store_service& given, std::string_view server_name,
                      Prepare prepare) {
  const std::lock_guard lock(changing_);
  auto table = std::make_unique<Table>(*tables_.back());
  Outcome outcome = insert(given, server_name, prepare, *table);
  if (succeeded(outcome.status)) publish(std::move(table));
  return outcome;
}

Outcome Services::replace(std::span<const mxd_store_service> given, std::string_view server_name,
                          Prepare prepare) {
  const std::lock_guard lock(changing_);
  auto table = std::make_unique<Table>();
  for (const mxd_store_service& service : given) {
    Outcome outcome = insert(service, server_name, prepare, *table);
    if (!succeeded(outcome.status)) return outcome;
  }
  publish(std::move(table));
  return {};
}

Outcome Services::insert(const mxd_store_service& given, std::string_view server_name,
                         Prepare prepare, Table& table) {
  const std::string_view id = text(given.id);
  const std::string_view localpart = text(given.sender_localpart);
  if (id.empty() || given.as_token.size == 0 || localpart.empty()) {
    return {MXD_INVALID_ARGUMENT,
            "a service needs an id, an as_token and a sender_localpart that are not empty"};
  }
  if (!is_text(id)) {
    return {MXD_INVALID_ARGUMENT, "a service's id is UTF-8 without U+0000: give another one"};
  }
  std::vector<Service::Namespace> namespaces;
  Outcome outcome = compile(given, namespaces);
  if (!succeeded(outcome.status)) return outcome;
  auto service = std::make_shared<const Service>(
      Service{std::string(id), "@" + std::string(localpart) + ":" + std::string(server_name),
              digest_of(text(given.as_token)), (given.flags & MXD_STORE_SERVICE_UNLIMITED) != 0,
              std::move(namespaces)});
  if (find_in(table, id) != nullptr) {
    return {MXD_INVALID_ARGUMENT, "two services have the id " + service->id};
  }
  if (!table.emplace(service->token_digest, service).second) {
    return {MXD_INVALID_ARGUMENT,
            "service " + service->id + " has the as_token of another service"};
  }
  return prepare(*service);
}

void Services::publish(std::unique_ptr<const Table> table) {
  tables_.push_back(std::move(table));
  current_.store(tables_.back().get(), std::memory_order_release);
}

const Service* Services::find_token(const Digest& as_token) const {
  const Table& table = *current_.load(std::memory_order_acquire);
  if (table.empty()) return nullptr;
  const auto found = table.find(as_token);
  return found == table.end() ? nullptr : found->second.get();
}

const Service* Services::find_id(std::string_view id) const {
  return find_in(*current_.load(std::memory_order_acquire), id);
}

const Service* Services::find_in(const Table& table, std::string_view id) {
  for (const auto& [digest, service] : table) {
    if (service->id == id) return service.get();
  }
  return nullptr;
}

bool Services::reserved(std::string_view user_id, const Service* except) const {
  const Table& table = *current_.load(std::memory_order_acquire);
  return std::any_of(table.begin(), table.end(), [&](const auto& entry) {
    return entry.second.get() != except && entry.second->reserves(user_id);
  });
}

}  // namespace mxd::store
