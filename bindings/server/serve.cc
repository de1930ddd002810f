#include "server/serve.h"

#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "server/account_context.h"
#include "server/configuration.h"
#include "server/device_module.h"
#include "server/http_server.h"
#include "server/json_log.h"
#include "server/registration_file.h"
#include "server/request_router.h"
#include "server/store.h"
#include "server/workers.h"

namespace mxd::server {
namespace {

constexpr std::size_t kMaxJobs = 256;
constexpr std::size_t kReservedFiles = 64;  // for the database, the log, the module
constexpr auto kStopWithin = std::chrono::seconds(10);

// Blocked here and in all threads to come: the main thread waits for them.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file at its limit is a full disk: a write fails, no more
  return signals;
}

// As many files as may be open, less some for others than connections.
std::size_t raise_file_limit() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::getrlimit(RLIMIT_NOFILE, &files);
  return std::max<std::size_t>(files.rlim_cur, 2 * kReservedFiles) - kReservedFiles;
}

std::string find_module(const std::string& wanted) {
  if (!wanted.empty()) {
    // dlopen() looks for a bare name in the system's directories only.
    return std::filesystem::exists(wanted) ? std::filesystem::absolute(wanted).string() : wanted;
  }
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto beside = program / "libmatrix_devices.so";
  const auto installed = program / MXD_BIN_TO_LIB / "libmatrix_devices.so";
  for (const auto& file : {beside, installed}) {
    if (std::filesystem::exists(file)) return file.string();
  }
  throw std::runtime_error("the module is neither " + beside.string() + " nor " +
                           installed.lexically_normal().string() + "; name it with --module");
}

std::vector<Registration> read_registrations(const std::vector<std::string>& paths) {
  std::vector<Registration> registrations;
  registrations.reserve(paths.size());
  for (const std::string& path : paths)
    registrations.push_back(read_registration(path));
  return registrations;
}

void add_service(const Store& store, const Registration& registration, const std::string& path) {
  std::vector<mxd_view> namespaces;
  std::vector<std::uint8_t> exclusive;
  for (const UserNamespace& space : registration.users) {
    namespaces.push_back(view(space.regex));
    exclusive.push_back(space.exclusive ? 1 : 0);
  }
  mxd_sqlite_service service{};
  service.size = sizeof service;
  service.flags = registration.rate_limited ? 0 : MXD_PRINCIPAL_UNLIMITED;
  service.id = view(registration.id);
  service.as_token = view(registration.as_token);
  service.sender_localpart = view(registration.sender_localpart);
  service.user_namespaces = namespaces.data();
  service.user_namespace_count = namespaces.size();
  service.exclusive = exclusive.data();
  mxd_sqlite_error error{};
  if (mxd_sqlite_add_service(store.get(), &service, &error) != MXD_OK) {
    throw std::runtime_error("registration file " + path + ": " + error.text);
  }
}

DeviceModule open_module(const ServeOptions& options, const std::string& config,
                         const Store& store) {
  const Module module = Module::load(find_module(options.module_file));
  try {
    return DeviceModule(module, config, store);
  } catch (const Error& error) {
    if (options.config_file.empty()) throw;
    throw Error(error.status(), "configuration file " + options.config_file + ": " + error.what());
  }
}

}  // namespace

void serve(const ServeOptions& options) {
  const sigset_t stop_signals = block_stop_signals();
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised");
  const std::size_t cores = std::max(std::thread::hardware_concurrency(), 1U);

  const CurrentRegistrations services(read_registrations(options.registration_files));
  const Configuration configuration = read_configuration(options.config_file);
  const CurrentSettings settings(configuration.settings);
  HttpServer http(options.listen, cores, settings, raise_file_limit());
  const LogWriter log_writer;
  const Store store({options.database, options.server_name, options.access_token_lifetime});
  for (std::size_t i = 0; i < services->size(); ++i) {
    add_service(store, services.get()[i], options.registration_files[i]);
  }
  Workers workers(std::max<std::size_t>(cores, 4), kMaxJobs);
  AccountContext accounts{
      store, workers, services, store.server_name(), options.open_registration, settings, {}};
  DeviceModule devices = open_module(options, configuration.module, store);
  RequestRouter router(devices, accounts);
  const TrustedProxies proxies(options.trusted_proxies);

  http.start(router, proxies);
  std::cout << "listening on http://" << to_string(http.address()) << std::endl;

  int signal = 0;
  sigwait(&stop_signals, &signal);
  log_message(MXD_LOG_INFO, "stopping: requests in flight are answered first");
  http.stop(kStopWithin);
  devices.stop();
  workers.join();
}

}  // namespace mxd::server
