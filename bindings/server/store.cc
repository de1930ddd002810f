#include "bindings/server/store.h"

#include <dlfcn.h>

#include <algorithm>
#include <future>
#include <string>

#include "bindings/common/database_url.h"
#include "bindings/server/library_file.h"
#include "bindings/server/operation/json_log.h"

namespace mxd::server {
namespace {

void log_from_store(mxd_cookie, mxd_cookie, int32_t level, mxd_view message) noexcept {
  log_message(level, text(message));
}

std::string library_of(const Store::Options& options) {
  const std::string file = "libmatrix_devices_" + common::engine_of(options.url) + ".so";
  return find_library(options.library, file, "--store");
}

const mxd_store_library* load(const std::string& path) {
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = ::dlerror();
    throw Error(MXD_INVALID_ARGUMENT,
                "cannot load the store: " + std::string(reason != nullptr ? reason : path.c_str()));
  }
  const auto entry = reinterpret_cast<mxd_store_entry_v1>(::dlsym(library, MXD_STORE_ENTRY_V1));
  if (entry == nullptr) {
    throw Error(MXD_INVALID_ARGUMENT, path + " does not export " MXD_STORE_ENTRY_V1
                                             ": it is no matrix_devices store of version 1");
  }
  const mxd_store_library* const table = entry();
  if (table == nullptr || table->size < MXD_STORE_LIBRARY_SIZE_1_0) {
    throw Error(MXD_INVALID_ARGUMENT,
                path + " returns a shorter table than version 1.0 has: build it again");
  }
  if ((table->caps >> MXD_CAP_MUST_UNDERSTAND_FROM) != 0) {
    throw Error(MXD_UNSUPPORTED,
                path + " demands a capability that this program does not know: use a newer one");
  }
  return table;
}

// Refers to the options.
mxd_store_options record_of(const Store::Options& options) {
  auto record = make<mxd_store_options>();
  record.abi_minor = MXD_STORE_ABI_MINOR;
  record.url = view(options.url);
  record.server_name = view(options.server_name);
  record.access_token_ms = options.access_token_lifetime.count();
  record.connections = options.connections;
  record.flags = options.prepared_statements ? 0 : MXD_STORE_UNPREPARED;
  record.log = &log_from_store;
  return record;
}

void check(const Store::Said& said, const std::string& what) {
  if (said.status != MXD_OK) throw Error(said.status, what + ": " + said.text.data());
}

// Of buckets that outlive it.
class LimitRequest {
 public:
  LimitRequest(const std::vector<SharedBucket>& buckets, int32_t units) {
    for (size_t i = 0; i < std::min(buckets.size(), limits_.size()); ++i) {
      const SharedBucket& bucket = buckets[i];
      limits_[i] = {bucket.limit.burst, bucket.limit.interval.count(), view(bucket.name),
                    view(bucket.key)};
    }
    request_.units = units;
    request_.limits = limits_.data();
    request_.limit_count = std::min(buckets.size(), limits_.size());
  }

  const mxd_limit_request* get() const { return &request_; }

 private:
  std::array<mxd_limit, 4> limits_{};
  mxd_limit_request request_ = make<mxd_limit_request>();
};

}  // namespace

Store::Store(const Options& options) : library_(load(library_of(options))) {
  const mxd_store_options with = record_of(options);
  Said said;
  said.status = library_->open(&with, &store_, said.text.data(), said.text.size());
  check(said, "database " + common::without_passwords(options.url));
}

Store::~Store() {
  library_->close(store_);
}

void Store::examine(const Options& options,
                    int32_t (*visit)(mxd_cookie, const mxd_store_finding*) noexcept,
                    mxd_cookie cookie) {
  const mxd_store_options with = record_of(options);
  Said said;
  said.status =
      load(library_of(options))->examine(&with, visit, cookie, said.text.data(), said.text.size());
  check(said, "database " + common::without_passwords(options.url));
}

Store::Said Store::export_records(const Options& options, mxd_store_take_record take,
                                  mxd_cookie cookie) {
  const mxd_store_options with = record_of(options);
  auto to = make<mxd_store_export>();
  to.take = take;
  to.cookie = cookie;
  Said said;
  said.status =
      load(library_of(options))->export_records(&with, &to, said.text.data(), said.text.size());
  return said;
}

Store::Said Store::import_records(const Options& options, decltype(mxd_store_import::give) give,
                                  mxd_cookie cookie) {
  const mxd_store_options with = record_of(options);
  auto from = make<mxd_store_import>();
  from.give = give;
  from.cookie = cookie;
  Said said;
  said.status =
      load(library_of(options))->import_records(&with, &from, said.text.data(), said.text.size());
  return said;
}

void Store::set_lifetimes(std::chrono::milliseconds refresh_tokens,
                          std::chrono::milliseconds guests,
                          std::chrono::milliseconds devices) const {
  auto lifetimes = make<mxd_store_lifetimes>();
  lifetimes.refresh_token_ms = refresh_tokens.count();
  lifetimes.guest_ms = guests.count();
  lifetimes.device_ms = devices.count();
  check(call(&mxd_store_library::set_lifetimes, &lifetimes), "lifetimes");
}

mxd_host Store::host_for(const Module& module) const {
  auto host = make<mxd_host>();
  check(call(&mxd_store_library::fill_host, &module.table(), &host), "store");
  return host;
}

std::string_view Store::find_service(std::string_view as_token) const {
  mxd_view id{};
  return library_->find_service(store_, view(as_token), &id) == MXD_OK ? text(id)
                                                                       : std::string_view();
}

Store::Taken Store::take_limits(const std::vector<SharedBucket>& buckets) const {
  std::promise<Taken> promise;
  const auto done = [](mxd_cookie cookie, int32_t status, int64_t wait_ms, mxd_view) noexcept {
    const std::chrono::milliseconds wait(wait_ms);
    reinterpret_cast<std::promise<Taken>*>(cookie)->set_value({status, wait});
  };
  const LimitRequest request(buckets, 1);
  const int32_t status =
      library_->take_limit(store_, request.get(), done, reinterpret_cast<mxd_cookie>(&promise));
  return status == MXD_OK ? promise.get_future().get() : Taken{status, {}};
}

void Store::give_limits_back(const std::vector<SharedBucket>& buckets) const noexcept {
  const LimitRequest request(buckets, -1);
  const auto done = [](mxd_cookie, int32_t, int64_t, mxd_view) noexcept {};
  static_cast<void>(library_->take_limit(store_, request.get(), done, 0));
}

}  // namespace mxd::server
