#include "bindings/server/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "bindings/server/database_choice.h"
#include "bindings/server/library_file.h"

namespace mxd::server {
namespace {

constexpr size_t kMaxJobs = 256;
constexpr size_t kMaxPasswordJobs = 32;  // about a second of hashing on two cores
constexpr size_t kReservedFiles = 64;    // for the database, the log, the module, metrics
// Of the time for stopping, what is kept for the module, the workers and the store.
constexpr auto kAfterRequests = std::chrono::seconds(3);
constexpr auto kAfterModule = std::chrono::seconds(2);
// Logins that have waited longer than this for their password are turned away with a 503.
constexpr auto kForPasswords = std::chrono::seconds(2);

size_t cores() {
  return std::max(std::thread::hardware_concurrency(), 1U);
}

// As many files as may be open, less some for others than connections.
size_t raise_file_limit() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::getrlimit(RLIMIT_NOFILE, &files);
  return std::max<size_t>(files.rlim_cur, 2 * kReservedFiles) - kReservedFiles;
}

// Of the server, as its options and settings say.
Store::Options database_of_server(const ServeOptions& options, const Settings& settings) {
  Store::Options chosen = database_of(options, settings.database);
  chosen.server_name = options.server_name;
  chosen.access_token_lifetime = options.access_token_lifetime;
  return chosen;
}

// What systemd has passed on comes before --listen.
HttpServer listen(const ServeOptions& options, const CurrentSettings& settings) {
  std::vector<ListeningSocket> passed_on = ListeningSocket::passed_on();
  if (passed_on.empty()) return {options.listen, cores(), settings, raise_file_limit()};
  return {std::move(passed_on), cores(), settings, raise_file_limit()};
}

std::vector<Registration> read_registrations(const std::vector<std::string>& paths) {
  std::vector<Registration> registrations;
  registrations.reserve(paths.size());
  for (const std::string& path : paths)
    registrations.push_back(read_registration(path));
  return registrations;
}

// A registration as the store takes it; it must outlive this.
class ServiceOf {
 public:
  explicit ServiceOf(const Registration& registration) {
    for (const UserNamespace& space : registration.users) {
      namespaces_.push_back(view(space.regex));
      exclusive_.push_back(space.exclusive ? 1 : 0);
    }
    service_.flags = registration.rate_limited ? 0 : MXD_STORE_SERVICE_UNLIMITED;
    service_.id = view(registration.id);
    service_.as_token = view(registration.as_token);
    service_.sender_localpart = view(registration.sender_localpart);
    service_.user_namespaces = namespaces_.data();
    service_.user_namespace_count = namespaces_.size();
    service_.exclusive = exclusive_.data();
  }

  const mxd_store_service* get() const { return &service_; }

 private:
  std::vector<mxd_view> namespaces_;
  std::vector<uint8_t> exclusive_;
  mxd_store_service service_ = make<mxd_store_service>();
};

void set_services(const Store& store, const std::vector<Registration>& registrations) {
  const std::vector<ServiceOf> services(registrations.begin(), registrations.end());
  std::vector<const mxd_store_service*> given;
  given.reserve(services.size());
  for (const ServiceOf& service : services)
    given.push_back(service.get());
  const Store::Said said = store.call(&mxd_store_library::set_services, given.data(), given.size());
  if (said.status != MXD_OK) {
    throw std::runtime_error(std::string("registrations: ") + said.text.data());
  }
}

void set_lifetimes(const Store& store, const ServeOptions& options, const Settings& settings) {
  store.set_lifetimes(settings.refresh_token_lifetime, settings.guest_lifetime,
                      options.delete_devices_after.value_or(settings.delete_devices_after));
}

std::unique_ptr<DeviceModule> make_instance(const ServeOptions& options,
                                            const ModuleLibrary& library,
                                            const std::string& config) {
  try {
    return std::make_unique<DeviceModule>(library, config);
  } catch (const Error& error) {
    if (options.config_file.empty()) throw;
    throw Error(error.status(), "configuration file " + options.config_file + ": " + error.what());
  }
}

}  // namespace

Server::Server(const ServeOptions& options, LogWriter& log)
    : Server(options, log, read_configuration(options.config_file, options.server_name)) {}

Server::Server(const ServeOptions& options, LogWriter& log, const Configuration& configuration)
    : options_(options),
      log_(log),
      services_(read_registrations(options.registration_files)),
      settings_(configuration.settings),
      http_(listen(options, settings_)),
      workers_(std::max<size_t>(cores(), 4), kMaxJobs),
      password_workers_(std::max<size_t>(cores(), 4), kMaxPasswordJobs),
      accounts_{store_,
                workers_,
                password_workers_,
                services_,
                options.server_name,
                options.open_registration,
                settings_,
                !options.no_rate_limits},
      store_(database_of_server(options, configuration.settings)),
      health_(store_),
      library_(find_library(options.module_file, "libmatrix_devices.so", "--module"), store_),
      router_(make_instance(options, library_, configuration.module), accounts_, health_),
      proxies_(options.trusted_proxies),
      metrics_page_(http_, store_, workers_, password_workers_) {
  if (options.metrics_listen) {
    metrics_http_ =
        std::make_unique<HttpServer>(*options.metrics_listen, 1, settings_, kReservedFiles / 2);
  }
  set_services(store_, services_.get());
  set_lifetimes(store_, options, settings_.get());
  if (metrics_http_) metrics_http_->start(metrics_page_, proxies_);
  http_.start(router_, proxies_);
}

std::optional<ListenAddress> Server::metrics_address() const {
  return metrics_http_ ? std::optional(metrics_http_->address()) : std::nullopt;
}

void Server::reload() {
  reload_log();
  try {
    reload_configuration();
    log_message(MXD_LOG_INFO, "registrations and settings have been read again");
  } catch (const std::exception& error) {
    log_failure("registrations and settings stay as they were", error.what());
  }
}

void Server::reload_log() {
  if (options_.log_file.empty()) return;
  try {
    log_.replace(LogOutput::file(options_.log_file));
  } catch (const std::exception& error) {
    log_failure("the log stays where it was", error.what());
  }
}

void Server::reload_configuration() {
  std::vector<Registration> registrations = read_registrations(options_.registration_files);
  Configuration configuration = read_configuration(options_.config_file, options_.server_name);
  // What may fail comes first: after it all of it is replaced.
  std::unique_ptr<DeviceModule> instance;
  stop_replaced();  // where there was no memory for it the last time
  if (configuration.module != router_.devices().config()) {
    replaced_.reserve(replaced_.size() + 1);
    instance = make_instance(options_, library_, configuration.module);
  }
  if (registrations != services_.get()) set_services(store_, registrations);

  if (configuration.settings.database != settings_->database) {
    log_message(MXD_LOG_WARNING,
                "what the settings say of the database counts from the next start on");
  }
  services_.replace(std::move(registrations));
  settings_.replace(std::move(configuration.settings));
  set_lifetimes(store_, options_, settings_.get());
  if (instance == nullptr) return;
  replaced_.push_back(router_.replace(std::move(instance)));
  try {
    stop_replaced();
  } catch (const std::exception& error) {  // no memory: the next reload does it, or the stop
    log_message(MXD_LOG_ERROR, error.what());
  }
}

void Server::stop_replaced() {
  if (replaced_.empty()) return;
  http_.wait_until_all_loops_have_turned();
  for (const auto& instance : replaced_)
    instance->begin_stop();
  std::erase_if(replaced_, [](const auto& instance) { return instance->is_stopped(); });
}

bool Server::stop(std::chrono::steady_clock::time_point deadline) {
  log_message(MXD_LOG_INFO, "stopping: requests in flight are answered first");
  password_workers_.close_at(std::chrono::steady_clock::now() + kForPasswords);
  bool is_finished = http_.stop(deadline - kAfterRequests);
  if (metrics_http_) metrics_http_->stop(deadline - kAfterRequests);
  router_.devices().begin_stop();
  is_finished &= router_.devices().end_stop(deadline - kAfterModule);
  for (const auto& instance : replaced_)
    instance->begin_stop();
  for (const auto& instance : replaced_)
    is_finished &= instance->end_stop(deadline - kAfterModule);
  password_workers_.join();
  workers_.join();
  return is_finished;
}

}  // namespace mxd::server
