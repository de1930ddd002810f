#include "bindings/server/command_line.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

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

// The command "GROUP NAME", or why it is none.
std::string command_of(const Command& command) {
  if (const auto* const exit = std::get_if<Exit>(&command)) return exit->text;
  const auto* const chosen = std::get_if<OperatorCommand>(&command);
  if (chosen == nullptr) return "serve";
  const std::string group = chosen->entry->group;
  return (group.empty() ? "" : group + " ") + chosen->entry->name;
}

const OperatorOptions& options_of(const Command& command) {
  return std::get<OperatorCommand>(command).options;
}

TEST(CommandLine, User) {
  const Command add = parse({"user", "add", "alice", "--database", "d.db", "--server-name",
                             "example.org", "--password-file", "p"});
  ASSERT_EQ(command_of(add), "user add");
  EXPECT_EQ(options_of(add).name, "alice");
  EXPECT_EQ(options_of(add).database, "d.db");
  EXPECT_EQ(options_of(add).server_name, "example.org");
  EXPECT_EQ(options_of(add).password_file, "p");
  EXPECT_EQ(options_of(add).store_file, "");
  EXPECT_FALSE(options_of(add).json);

  const Command list = parse({"user", "list", "--json", "--database", "d.db", "--store", "s.so"});
  ASSERT_EQ(command_of(list), "user list");
  EXPECT_EQ(options_of(list).store_file, "s.so");
  EXPECT_TRUE(options_of(list).json);

  const Command keep = parse({"user", "set-password", "a", "--keep-devices", "--database", "d"});
  EXPECT_TRUE(options_of(keep).keeps_devices);
  const Command end =
      parse({"user", "set-password", "a", "--sign-out", "--yes", "--database", "d"});
  EXPECT_FALSE(options_of(end).keeps_devices);
  EXPECT_TRUE(options_of(end).is_confirmed);
}

// A name that is a command's too.
TEST(CommandLine, NamesOfUsersAreNoCommands) {
  for (const char* const name : {"list", "user", "check", "token"}) {
    const Command show = parse({"user", "show", name, "--database", "d.db"});
    ASSERT_EQ(command_of(show), "user show") << name;
    EXPECT_EQ(options_of(show).name, name);
  }
}

TEST(CommandLine, Devices) {
  const Command some = parse({"device", "delete", "alice", "A", "B", "--database", "d.db"});
  ASSERT_EQ(command_of(some), "device delete");
  EXPECT_EQ(options_of(some).devices, (std::vector<std::string>{"A", "B"}));
  EXPECT_FALSE(options_of(some).is_confirmed);
  const Command dashed = parse({"device", "delete", "alice", "--database", "d.db", "--", "-A"});
  EXPECT_EQ(options_of(dashed).devices, (std::vector<std::string>{"-A"}));
  const Command all = parse({"device", "delete", "alice", "--all", "--yes", "--database", "d.db"});
  EXPECT_TRUE(options_of(all).all_devices);
  EXPECT_TRUE(options_of(all).is_confirmed);
}

TEST(CommandLine, Token) {
  const Command command = parse({"token", "issue", "@alice:example.org", "--database", "d.db",
                                 "--device", "D", "--oauth", "--lifetime", "0s"});
  ASSERT_EQ(command_of(command), "token issue");
  EXPECT_EQ(options_of(command).name, "@alice:example.org");
  EXPECT_EQ(options_of(command).device, "D");
  EXPECT_TRUE(options_of(command).oauth);
  EXPECT_EQ(options_of(command).lifetime, 0ms);

  const Command plain = parse({"token", "issue", "alice", "--database", "d.db"});
  EXPECT_EQ(options_of(plain).lifetime, std::nullopt);
  EXPECT_EQ(command_of(parse({"token", "revoke", "--database", "d.db"})), "token revoke");
}

TEST(CommandLine, Database) {
  const Command backup = parse({"backup", "b.db", "--force", "--database", "d.db"});
  ASSERT_EQ(command_of(backup), "backup");
  EXPECT_EQ(options_of(backup).target, "b.db");
  EXPECT_TRUE(options_of(backup).replaces);
  const Command sweep = parse(
      {"sweep", "--config", "c.json", "--delete-devices-after", "1h", "--database", "sqlite:d.db"});
  ASSERT_EQ(command_of(sweep), "sweep");
  EXPECT_EQ(options_of(sweep).config_file, "c.json");
  EXPECT_EQ(options_of(sweep).delete_devices_after, 1h);
  EXPECT_EQ(command_of(parse({"check", "--database", "d.db"})), "check");
}

TEST(CommandLine, DatabaseOfTheEnvironment) {
  ::setenv("MXD_DATABASE", "of the environment", 1);
  const Command named = parse({"check", "--database", "named"});
  const Command unnamed = parse({"check"});
  const Command serving = parse({"--server-name", "example.org"});
  ::unsetenv("MXD_DATABASE");
  EXPECT_EQ(options_of(named).database, "named");
  EXPECT_EQ(command_of(unnamed), "check");
  EXPECT_EQ(command_of(serving), "serve");
}

TEST(CommandLine, DatabaseOfTheSettings) {
  const Command check = parse({"check", "--config", "c.json", "--database-password-file", "p"});
  EXPECT_EQ(options_of(check).config_file, "c.json");
  EXPECT_EQ(options_of(check).database_password_file, "p");
  EXPECT_EQ(command_of(parse({"--server-name", "example.org", "--config", "c.json"})), "serve");
}

TEST(CommandLine, APasswordIsRefusedWhereOthersSeeIt) {
  constexpr const char* kSecret = "postgresql://user:secret@host/devices";
  for (const Command& command : {parse({"check", "--database", kSecret}),
                                 parse({"--server-name", "example.org", "--database", kSecret})}) {
    ASSERT_EQ(exit_code(command), 2);
    EXPECT_EQ(std::get<Exit>(command).text.find("secret"), std::string::npos);
  }
}

TEST(CommandLine, HelpAndVersionAreNoMistakes) {
  EXPECT_EQ(exit_code(parse({"--help"})), 0);
  EXPECT_EQ(exit_code(parse({"--version"})), 0);
  EXPECT_EQ(exit_code(parse({"user", "--help"})), 0);
}

// CLI11 may break lines where it likes.
std::string in_one_line(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;)
    line += (line.empty() ? "" : " ") + word;
  return line;
}

// Each says what it does, how it ends, and shows how it is called: a line that is right.
TEST(CommandLine, HelpOfEachCommandHasAnExample) {
  for (const auto entries :
       {user_commands(), device_commands(), token_commands(), database_commands(), copy_commands(),
        config_commands(), health_commands()}) {
    for (const CommandEntry& entry : entries) {
      std::vector<const char*> arguments{entry.name, "--help"};
      if (*entry.group != '\0') arguments.insert(arguments.begin(), entry.group);
      const Command help = parse(arguments);
      ASSERT_EQ(exit_code(help), 0) << entry.name;
      const std::string text = in_one_line(std::get<Exit>(help).text);
      EXPECT_NE(text.find(entry.description), std::string::npos) << text;
      EXPECT_NE(text.find("Exit status: 0 done"), std::string::npos) << text;
      std::istringstream lines(entry.examples);
      for (std::string line; std::getline(lines, line);) {
        EXPECT_NE(text.find(in_one_line("matrix-devices-server " + line)), std::string::npos)
            << text;
        std::vector<std::string> words;
        std::istringstream all(line);
        for (std::string word; all >> word && word != "#" && word != "|";) {
          if (word.front() != '<' && word.front() != '>') words.push_back(word);
        }
        std::vector<const char*> call;
        for (const std::string& word : words)
          call.push_back(word.c_str());
        const Command called = parse(call);
        const std::string name = std::string(entry.group) + (*entry.group ? " " : "") + entry.name;
        EXPECT_EQ(command_of(called), name) << line;
      }
    }
  }
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
      {"user", "set-password", "a", "--sign-out", "--keep-devices", "--database", "d.db"},
      {"user", "add", "a", "--generate-password", "--password-file", "f", "--database", "d.db"},
      {"user", "add", "a", "--no-password", "--generate-password", "--database", "d.db"},
      {"user", "add", "a", "--password", "secret", "--database", "d.db"},
      {"user", "show", "--database", "d.db"},
      {"user", "--database", "d.db"},
      {"device", "list", "--database", "d.db"},
      {"device", "delete", "alice", "--database", "d.db"},
      {"device", "delete", "--all", "--database", "d.db"},
      {"device", "delete", "alice", "A", "--all", "--database", "d.db"},
      {"token", "revoke", "alice", "--database", "d.db"},
      {"token", "revoke", "--all", "--database", "d.db"},
      {"sweep", "--delete-devices-after", "banana", "--database", "d.db"},
      {"backup", "--database", "d.db"},
      {"check"},
      {"check", "d.db"},
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
