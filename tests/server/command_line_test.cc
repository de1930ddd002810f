#include "bindings/server/command_line.h"

#include <gtest/gtest.h>

namespace mxd::server {
namespace {

using namespace std::chrono_literals;

Command parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "matrix-devices-server");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

int exit_code(const Command& command) {
  const auto* const exit = std::get_if<Exit>(&command);
  return exit == nullptr ? -1 : exit->code;
}

TEST(CommandLine, Serve) {
  const Command command = parse({"--listen",
                                 "[::1]:0",
                                 "--database",
                                 "d.db",
                                 "--server-name",
                                 "example.org",
                                 "--open-registration",
                                 "--appservice",
                                 "a.yaml",
                                 "--appservice",
                                 "b.yaml",
                                 "--config",
                                 "module.json",
                                 "--access-token-lifetime",
                                 "10m",
                                 "--module",
                                 "m.so",
                                 "--store",
                                 "s.so",
                                 "--trust-proxy",
                                 "::ffff:10.0.0.1",
                                 "--trust-proxy",
                                 "10.0.0.2,172.16.0.0/12"});
  const auto* const serve = std::get_if<ServeOptions>(&command);
  ASSERT_NE(serve, nullptr);
  EXPECT_EQ(to_string(serve->listen), "[::1]:0");
  EXPECT_EQ(serve->database, "d.db");
  EXPECT_EQ(serve->server_name, "example.org");
  EXPECT_TRUE(serve->open_registration);
  EXPECT_EQ(serve->registration_files, (std::vector<std::string>{"a.yaml", "b.yaml"}));
  EXPECT_EQ(serve->config_file, "module.json");
  EXPECT_EQ(serve->access_token_lifetime, 10min);
  EXPECT_EQ(serve->module_file, "m.so");
  EXPECT_EQ(serve->store_file, "s.so");
  const TrustedProxies proxies(serve->trusted_proxies);
  for (const char* const address : {"10.0.0.1", "10.0.0.2", "172.31.0.1"})
    EXPECT_TRUE(proxies.trusts(address)) << address;
  EXPECT_FALSE(proxies.trusts("10.0.0.3"));
  EXPECT_FALSE(serve->no_rate_limits);
}

TEST(CommandLine, ServeWithTheLeast) {
  const Command command = parse({"--database", "d.db", "--server-name", "example.org"});
  const auto* const serve = std::get_if<ServeOptions>(&command);
  ASSERT_NE(serve, nullptr);
  EXPECT_EQ(to_string(serve->listen), "127.0.0.1:8008");
  EXPECT_FALSE(serve->open_registration);
  EXPECT_TRUE(serve->registration_files.empty());
}

TEST(CommandLine, User) {
  const Command add = parse({"user", "add", "alice", "--database", "d.db"});
  const auto* const user = std::get_if<UserOptions>(&add);
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(user->action, "add");
  EXPECT_EQ(user->name, "alice");
  EXPECT_EQ(user->database, "d.db");

  EXPECT_EQ(user->store_file, "");

  const Command list = parse({"user", "list", "--database", "d.db", "--store", "s.so"});
  ASSERT_NE(std::get_if<UserOptions>(&list), nullptr);
  EXPECT_EQ(std::get<UserOptions>(list).store_file, "s.so");
}

TEST(CommandLine, Token) {
  const Command command = parse({"token", "issue", "@alice:example.org", "--database", "d.db",
                                 "--device", "D", "--oauth", "--lifetime", "0s"});
  const auto* const token = std::get_if<TokenOptions>(&command);
  ASSERT_NE(token, nullptr);
  EXPECT_EQ(token->name, "@alice:example.org");
  EXPECT_EQ(token->device, "D");
  EXPECT_TRUE(token->oauth);
  EXPECT_EQ(token->lifetime, 0ms);

  const Command plain = parse({"token", "issue", "alice", "--database", "d.db"});
  ASSERT_NE(std::get_if<TokenOptions>(&plain), nullptr);
  EXPECT_EQ(std::get<TokenOptions>(plain).lifetime, std::nullopt);
}

TEST(CommandLine, HelpAndVersionAreNoMistakes) {
  EXPECT_EQ(exit_code(parse({"--help"})), 0);
  EXPECT_EQ(exit_code(parse({"--version"})), 0);
  EXPECT_EQ(exit_code(parse({"user", "--help"})), 0);
}

TEST(CommandLine, MistakesAreRefused) {
  const std::vector<std::vector<const char*>> mistakes = {
      {},
      {"--database", "d.db"},
      {"--server-name", "x"},
      {"--database", "d.db", "--server-name", "x", "--listen", "nonsense"},
      {"--database", "d.db", "--server-name", "x", "--access-token-lifetime", "banana"},
      {"--database", "d.db", "--server-name", "x", "--access-token-lifetime", "0s"},
      {"--database", "d.db", "--server-name", "x", "--trust-proxy", "example.org"},
      {"--database", "d.db", "--server-name", "x", "--trust-proxy", "10.0.0.0/33"},
      {"--database", "d.db", "--server-name", "x", "--trust-proxy", "10.0.0.1,fd00::/129"},
      {"--database", "d.db", "--server-name", "x", "--no-such-option"},
      {"--database", "d.db", "--server-name", "x", "--appservice", "a.yaml", "b.yaml"},
      {"user", "add", "--database", "d.db"},
      {"user", "list", "alice", "--database", "d.db"},
      {"user", "explode", "alice", "--database", "d.db"},
      {"user", "add", "alice"},
      {"token", "--database", "d.db"},
      {"token", "issue", "--database", "d.db"},
      {"token", "issue", "alice", "--database", "d.db", "--lifetime", "-1s"},
      {"no-such-command"},
  };
  for (const auto& arguments : mistakes) {
    const Command command = parse(arguments);
    EXPECT_EQ(exit_code(command), 2) << (arguments.empty() ? "nothing" : arguments.back());
  }
}

}  // namespace
}  // namespace mxd::server
