#include "tests/bench/postgres/users.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "bindings/store/common/account_key.h"
#include "bindings/store/common/token.h"
#include "tests/bench/in_process/exchange.h"
#include "tests/bench/postgres/connection.h"

namespace mxd::bench {
namespace {

constexpr size_t kMostSampled = 100'000;

using Digest = std::array<unsigned char, crypto_hash_sha256_BYTES>;

Digest digest_of(std::string_view text) {
  Digest digest;
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size());
  return digest;
}

std::string user_id_of(int64_t user) {
  return "@user" + std::to_string(user) + ":" + std::string(kServerName);
}

// As the store makes them, from another source than chance: so the sample can be told anew.
std::string token_of_device(int64_t account, int64_t user, int64_t device) {
  const Digest bits = digest_of(std::to_string(user) + "/" + std::to_string(device));
  return store::token_of(
      store::kAccessTokenPrefix,
      store::bytes_of_account(account) +
          std::string(reinterpret_cast<const char*>(bits.data()), store::kRandomTokenBytes));
}

void append_hex(std::string& line, const Digest& digest) {
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text;
  sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
  line.append("\\\\x").append(text.data());
}

store::AccountKey key_of(Connection& connection) {
  const PgResult found =
      connection.run("SELECT encode(account_key, 'hex') FROM matrix_devices.store");
  std::array<unsigned char, store::AccountKey::kBytes> key;
  const std::string_view hex(PQgetvalue(found.get(), 0, 0));
  sodium_hex2bin(key.data(), key.size(), hex.data(), hex.size(), nullptr, nullptr, nullptr);
  return store::AccountKey({reinterpret_cast<const char*>(key.data()), key.size()});
}

}  // namespace

void fill(const std::string& connection_string, int64_t users, int64_t devices,
          const std::string& sample_file) {
  Connection connection(connection_string);
  const store::AccountKey key = key_of(connection);
  // In the order of the first key of every table: so each row goes beside the one before.
  std::vector<std::pair<int64_t, int64_t>> accounts;
  for (int64_t user = 0; user < users; ++user)
    accounts.emplace_back(key.account_of(user_id_of(user)), user);
  std::sort(accounts.begin(), accounts.end());

  connection.run("SET session_replication_role = replica");
  connection.run("SET synchronous_commit = off");
  size_t next = 0;
  connection.copy("COPY matrix_devices.accounts (account, user_id, created_ms) FROM STDIN",
                  accounts.size(), [&](std::string& line) {
                    const auto [account, user] = accounts[next++];
                    line += std::to_string(account) + '\t' + user_id_of(user) + "\t0\n";
                  });
  const uint64_t rows = accounts.size() * static_cast<uint64_t>(devices);
  const auto each_device = [&](const char* sql, auto append) {
    next = 0;
    int64_t device = 0;
    connection.copy(sql, rows, [&](std::string& line) {
      const auto [account, user] = accounts[next];
      line += std::to_string(account);
      line += '\t' + device_id(static_cast<size_t>(device)) + '\t';
      append(line, account, user, device);
      line += '\n';
      if (++device == devices) {
        device = 0;
        ++next;
      }
    });
  };
  // Seen in the far future: that is written once a minute, and not what is measured.
  each_device(
      "COPY matrix_devices.devices (account, device_id, display_name, last_seen_ip, last_seen_ms,"
      " created_ms) FROM STDIN",
      [](std::string& line, int64_t, int64_t, int64_t device) {
        line += "Phone " + std::to_string(device) + "\t192.0.2.7\t4503599627370496\t0";
      });
  each_device("COPY matrix_devices.access_tokens (account, device_id, digest, oauth) FROM STDIN",
              [](std::string& line, int64_t account, int64_t user, int64_t device) {
                append_hex(line, digest_of(token_of_device(account, user, device)));
                line += "\tf";
              });
  connection.run("VACUUM ANALYZE");
  connection.run("CHECKPOINT");

  std::mt19937 random(1);
  std::shuffle(accounts.begin(), accounts.end(), random);
  accounts.resize(std::min(accounts.size(), kMostSampled));
  std::ofstream sample(sample_file);
  for (const auto& [account, user] : accounts)
    sample << token_of_device(account, user, 0) << ' ' << user_id_of(user) << ' ' << account
           << '\n';
  if (!sample.flush()) throw std::runtime_error(sample_file + " can't be written");
}

std::vector<Sampled> read_sample(const std::string& sample_file) {
  std::ifstream file(sample_file);
  std::vector<Sampled> sample;
  Sampled one;
  while (file >> one.token >> one.user_id >> one.account)
    sample.push_back(one);
  if (sample.empty()) throw std::runtime_error(sample_file + " has no users");
  return sample;
}

}  // namespace mxd::bench
