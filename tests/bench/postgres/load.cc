#include "tests/bench/postgres/load.h"

#include <sodium.h>

#include <array>
#include <chrono>
#include <stdexcept>

#include "tests/bench/in_process/exchange.h"
#include "tests/bench/postgres/connection.h"

namespace mxd::bench {
namespace {

// Those of bindings/store/postgres: authenticate.cc and host_devices.cc.
constexpr const char* kAuthenticate =
    "SELECT t.device_id, t.oauth, t.expires_ms, t.pair, CASE WHEN t.pair IS NOT NULL THEN"
    " (SELECT p.replaces FROM matrix_devices.token_pairs AS p"
    " WHERE p.account = $1::bigint AND p.pair = t.pair) END,"
    " d.last_seen_ms, d.validated_ms, a.user_id, a.guest, a.locked, a.suspended,"
    " CASE WHEN t.digest IS NULL THEN matrix_devices.lost_token($1::bigint, $2::bytea, NULL::bytea)"
    " END"
    " FROM (VALUES (true)) AS one LEFT JOIN (matrix_devices.access_tokens AS t"
    " CROSS JOIN LATERAL (SELECT last_seen_ms, validated_ms FROM matrix_devices.devices"
    " WHERE account = $1::bigint AND device_id = t.device_id OFFSET 0) AS d"
    " JOIN matrix_devices.accounts AS a ON a.account = $1::bigint)"
    " ON t.account = $1::bigint AND t.digest = $2::bytea";
constexpr const char* kList =
    "SELECT device_id, display_name, last_seen_ip, last_seen_ms FROM matrix_devices.devices"
    " WHERE account = $1::bigint ORDER BY device_id";
constexpr const char* kRename =
    "SELECT matrix_devices.rename_device($1::bigint, $2::text, $3::text)";

std::vector<Connection> connect(const Load& load, std::initializer_list<const char*> statements) {
  std::vector<Connection> connections;
  for (size_t i = 0; i < load.connections; ++i) {
    connections.emplace_back(load.connection_string);
    for (const char* const sql : statements)
      connections.back().prepare(sql, sql);
    connections.back().begin_pipeline();
  }
  return connections;
}

std::string digest_of_token(std::string_view token) {
  std::string digest(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                     reinterpret_cast<const unsigned char*>(token.data()), token.size());
  return digest;
}

// Of each connection: where in the sample it is. Each takes every so-many-th.
struct Places {
  explicit Places(const Load& of) : load(of) {
    for (size_t i = 0; i < load.connections; ++i)
      next.push_back(i);
  }
  const Sampled& take(size_t connection) {
    if (next[connection] >= load.sample.size()) next[connection] = connection;
    const Sampled& found = load.sample[next[connection]];
    next[connection] += load.connections;
    return found;
  }
  const Load& load;
  std::vector<size_t> next;
};

// Looks at the tokens of a batch of users, then asks something about each; on every connection in
// turn, until the time is over: what one is asked is under way while the others are read. How many
// of these second questions were answered.
template <class Send>
uint64_t authenticate_and(const Load& load, const char* statement, Send send) {
  if (load.sample.size() < load.connections * load.at_once) {
    throw std::runtime_error("there are too few users for so many requests at once");
  }
  std::vector<Connection> connections = connect(load, {kAuthenticate, statement});
  Places places(load);
  struct Asked {
    std::vector<const Sampled*> who;
    bool is_known = false;  // whose tokens they are
  };
  std::vector<Asked> asked(load.connections);

  const auto begin = [&](size_t i) {
    Asked& now = asked[i];
    if (now.is_known) {
      for (const Sampled* const user : now.who)
        send(connections[i], *user);
    } else {
      now.who.clear();
      for (size_t n = 0; n < load.at_once; ++n) {
        const Sampled& user = places.take(i);
        now.who.push_back(&user);
        connections[i].send(kAuthenticate, {user.account, digest_of_token(user.token)});
      }
    }
    connections[i].end_batch();
  };
  const auto end = [&](size_t i) -> size_t {
    for (size_t n = 0; n < load.at_once; ++n) {
      const PgResult rows = connections[i].next();
      // A device's ID, or whether it was there.
      if (PQntuples(rows.get()) == 0 || *PQgetvalue(rows.get(), 0, 0) == '\0') {
        throw std::runtime_error("one of the sample is not there");
      }
      look_at(rows.get());
    }
    connections[i].wait_for_the_end();
    asked[i].is_known = !asked[i].is_known;
    return asked[i].is_known ? 0 : load.at_once;
  };

  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(load.seconds);
  uint64_t done = 0;
  for (size_t i = 0; i < load.connections; ++i)
    begin(i);
  while (std::chrono::steady_clock::now() < until) {
    for (size_t i = 0; i < load.connections; ++i) {
      done += end(i);
      begin(i);
    }
  }
  for (size_t i = 0; i < load.connections; ++i)
    done += end(i);
  return done;
}

}  // namespace

uint64_t list(const Load& load) {
  return authenticate_and(load, kList, [](Connection& connection, const Sampled& user) {
    connection.send(kList, {user.account});
  });
}

uint64_t rename(const Load& load) {
  auto number = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                                      std::chrono::microseconds(1));
  return authenticate_and(load, kRename, [&](Connection& connection, const Sampled& user) {
    const std::string name = "Name " + std::to_string(++number);
    connection.send(kRename, {user.account, kOwnDevice, name});
  });
}

}  // namespace mxd::bench
