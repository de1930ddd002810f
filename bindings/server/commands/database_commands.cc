#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>

#include "bindings/common/database_url.h"
#include "bindings/server/commands/account.h"
#include "bindings/server/commands/command.h"
#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/interruption.h"
#include "bindings/server/commands/output.h"
#include "bindings/server/configuration.h"
#include "bindings/server/database_choice.h"
#include "bindings/server/option_checks.h"

namespace mxd::server {
namespace {

// ---- sweep ----

void describe_sweep(CLI::App& app, OperatorOptions& options) {
  add_duration(app, "--delete-devices-after", options.delete_devices_after,
               "Remove devices that were unused for so long, whatever the settings say");
}

void set_lifetimes(const OperatorOptions& options, const Store& store) {
  Settings settings;
  settings.refresh_token_lifetime = settings.guest_lifetime = settings.delete_devices_after = {};
  if (!options.config_file.empty()) {
    settings = read_configuration(options.config_file, store.server_name()).settings;
  }
  store.set_lifetimes(settings.refresh_token_lifetime, settings.guest_lifetime,
                      options.delete_devices_after.value_or(settings.delete_devices_after));
}

int sweep(const OperatorOptions& options) {
  const Store store = open_database(options);
  set_lifetimes(options, store);
  auto swept = make<mxd_store_swept>();
  check(store.call(&mxd_store_library::sweep, &swept));
  const boost::json::object removed{{"access_tokens", swept.access_tokens},
                                    {"refresh_tokens", swept.refresh_tokens},
                                    {"sessions", swept.sessions},
                                    {"guests", swept.guests},
                                    {"devices", swept.devices}};
  if (options.json) {
    print_json({{"removed", removed}});
    return kDone;
  }
  print_line("removed " + count_of(swept.access_tokens, "access token") + ", " +
             count_of(swept.refresh_tokens, "refresh token") + ", " +
             count_of(swept.sessions, "session") + ", " + count_of(swept.guests, "guest") + ", " +
             count_of(swept.devices, "device"));
  return kDone;
}

// ---- backup ----

void describe_backup(CLI::App& app, OperatorOptions& options) {
  app.add_option("FILE", options.target, "Where the copy goes")->required();
  app.add_flag("--force", options.replaces, "Replace a file that is there");
}

// How far it is, on the terminal of who waits for it.
struct Progress {
  bool is_shown = is_terminal(STDERR_FILENO);
  uint64_t bytes = 0;
  uint64_t percent = 101;

  int32_t tell(uint64_t done, uint64_t total) {
    bytes = total;
    const uint64_t now = total == 0 ? 100 : done * 100 / total;
    if (is_shown && now != percent) std::cerr << "\rbackup: " << now << " % " << std::flush;
    percent = now;
    return is_interrupted() ? MXD_CANCELLED : MXD_OK;
  }
};

int backup(const OperatorOptions& options) {
  const Store store = open_database(options);
  // What is begun of the copy is removed before the process ends.
  note_interruptions();
  Progress progress;
  auto given = make<mxd_store_backup>();
  given.flags = options.replaces ? MXD_STORE_BACKUP_REPLACE : 0;
  given.target = view(options.target);
  given.progress = [](mxd_cookie cookie, uint64_t done, uint64_t total) noexcept {
    return reinterpret_cast<Progress*>(cookie)->tell(done, total);
  };
  given.cookie = reinterpret_cast<mxd_cookie>(&progress);
  const Store::Said said = store.call(&mxd_store_library::backup, &given);
  if (progress.is_shown && progress.bytes != 0) std::cerr << "\n";
  if (said.status == MXD_CANCELLED) end_by_interruption();
  if (said.status == MXD_BUSY) {
    throw Failure(kRefused, options.target + ": " + said.text.data() + ", or give --force");
  }
  if (said.status != MXD_OK) throw Failure(kFailed, options.target + ": " + said.text.data());
  if (options.json) {
    print_json({{"file", printable(options.target)}, {"bytes", progress.bytes}});
  } else {
    print_line("backup of " + std::to_string(progress.bytes) +
               " bytes: " + printable(options.target));
  }
  return kDone;
}

// ---- check ----

void describe_nothing(CLI::App&, OperatorOptions&) {}

struct Examination {
  Listing listing;
  int64_t problems = 0;
};

int examine(const OperatorOptions& options) {
  const Store::Options chosen = database_of(options);
  Examination seen{Listing(options.json, "findings", {"", "SUBJECT", "FINDING"},
                           {{"database", printable(common::without_passwords(chosen.url))}})};
  const auto visit = [](mxd_cookie cookie, const mxd_store_finding* finding) noexcept -> int32_t {
    Examination& at = *reinterpret_cast<Examination*>(cookie);
    const bool is_problem = (finding->flags & MXD_STORE_FINDING_PROBLEM) != 0;
    if (is_problem) ++at.problems;
    at.listing.add(
        {{"subject", text(finding->subject)}, {"ok", !is_problem}, {"text", text(finding->text)}},
        {is_problem ? "PROBLEM" : "ok", std::string(text(finding->subject)),
         std::string(text(finding->text))});
    return MXD_OK;
  };
  Store::examine(chosen, +visit, reinterpret_cast<mxd_cookie>(&seen));
  seen.listing.finish();
  return seen.problems == 0 ? kDone : kProblems;
}

constexpr CommandEntry kCommands[] = {
    {"", "sweep",
     "Remove now what is over, instead of within the hour: expired access tokens and sessions, "
     "what is left of devices that are gone and, with --config, what was unused for too long.",
     "sweep --database devices.db\n"
     "sweep --config config.json --database devices.db",
     describe_sweep, nullptr, sweep},
    {"", "backup",
     "Write a copy of the database as it is at this moment, while the server goes on writing. It "
     "is on the disk when this ends, and only its owner can read it.",
     "backup /backup/devices.db --database devices.db\n"
     "backup /backup/devices.db --force --database devices.db",
     describe_backup, nullptr, backup},
    {"", "check",
     "Look whether a database, or a backup, is whole: schema, integrity, references, the modes of "
     "its files. It is only read, also while the server runs. Exit status 5: there are problems.",
     "check --database devices.db\n"
     "check --database /backup/devices.db --json",
     describe_nothing, nullptr, examine},
};

}  // namespace

std::span<const CommandEntry> database_commands() {
  return kCommands;
}

}  // namespace mxd::server
