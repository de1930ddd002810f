// The settings of the server: what each is called, may be and does. The configuration is read by
// this list, and its JSON schema is written from it. docs/operations.md
#pragma once

#include <cstdint>
#include <limits>

#include "abi/config/settings.h"
#include "bindings/server/settings.h"

namespace mxd::server {

inline constexpr const char* kServerDescription =
    "Of the server alone; all others are the module's";
// Of the module's `unknown_fields`, which has another default here. accounts.md, T13
inline constexpr const char* kUnknownFields = "null";

// As config::visit_settings() does it. A text may be any, and is a duration where its kind is that.
template <class Visitor>
void visit_settings(Visitor& server, Settings& settings) {
  server.object("limits", "Attempts before anybody is authenticated", [&](auto& limits) {
    limits.boolean("enabled", settings.limits.enabled, "Off: for test servers only");
    limits.limit("login_address_user", settings.limits.login_address_user,
                 "Wrong passwords of one address for one user");
    limits.limit("login_user", settings.limits.login_user,
                 "Wrong passwords for one user, from wherever");
    limits.limit("login_address", settings.limits.login_address,
                 "Wrong passwords of one address, for any user");
    limits.limit("registration_address", settings.limits.registration_address,
                 "Registrations, and refreshes with unknown tokens, of one address");
  });
  server.text("database", settings.database.database,
              "The database, where neither --database nor MXD_DATABASE names one");
  server.text("database_password_file", settings.database.password_file,
              "The first line of this file is the password of the database");
  server.integer("database_connections", settings.database.connections, 0, 1000,
                 "Connections to the database; 0: as its store does best");
  server.boolean("database_prepared_statements", settings.database.prepared_statements,
                 "Off: behind a pooler that lends its connections for a transaction");
  server.integer("max_connections", settings.max_connections, 1, 1'000'000,
                 "Open connections of the process");
  server.integer("max_incoming_body_bytes", settings.max_incoming_body_bytes, 1024 * 1024,
                 std::numeric_limits<int64_t>::max(),
                 "Memory for all bodies that are coming in, together");
  server.duration("refresh_token_lifetime", settings.refresh_token_lifetime,
                  "Refresh tokens unused for this long are removed; 0s: never");
  server.duration("guest_lifetime", settings.guest_lifetime,
                  "Guests unused for this long are removed; 0s: never");
  server.duration("delete_devices_after", settings.delete_devices_after,
                  "Devices unused for this long are removed; 0s: never");
}

}  // namespace mxd::server
