// A store's share of a request: its callbacks, called as the module calls them, against a loop with
// the same statements and the same durability; of writes, one at a time against autocommit, and
// many at once against a loop that commits as many together.
//
//   mxd_stores_bench [--benchmark_…]
//     MXD_STORE          the library
//     MXD_BENCH_FOLDER   for the database, on the disk that is to be measured
//     MXD_BENCH_USERS    whom the database has beside alice, 0 unless given; then it is they who
//     are
//                        asked for, in no order
//     MXD_BENCH_DEVICES  that each of them has, 5 unless given
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/bench/in_process/store_host.h"
#include "tests/bench/stores/bare_sqlite.h"
#include "tests/bench/stores/counting_module.h"

namespace mxd::bench {
namespace {

constexpr size_t kDevices = 5;
constexpr int64_t kHourMs = 3'600'000;

// As large as the state of a session for one deletion.
const std::string kState(300, 's');

std::string environment(const char* name, const char* otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

int64_t number_of(const char* name, const char* otherwise) {
  return std::atoll(environment(name, otherwise).c_str());
}

std::string new_database() {
  const std::string path = environment("MXD_BENCH_FOLDER", ".") + "/bench.db";
  for (const char* suffix : {"", "-wal", "-shm", "-reserve"})
    std::filesystem::remove(path + suffix);
  return path;
}

std::string library() {
  return environment("MXD_STORE", "libmatrix_devices_sqlite.so");
}

// How many there are.
int64_t add_users(BareSqlite& bare) {
  const int64_t users = number_of("MXD_BENCH_USERS", "0");
  bare.add_users(users, number_of("MXD_BENCH_DEVICES", "5"));
  return users;
}

// Whose devices are asked for.
struct Asking {
  std::string user_id;
  std::string token;
  std::string digest;
};

// A new database, the store, and the bare loop, which write to it in turn, never at once.
struct Site {
  Site()
      : path(new_database()),
        token(StoreHost(library(), path).add_alice(kDevices)),
        bare(path),
        users(add_users(bare)),
        store(library(), path),
        host(store.table(Module(counting_module()))) {
    std::mt19937 random(1);
    for (size_t i = 0; i < kAsking; ++i) {
      if (users == 0) {
        asking.push_back({std::string(kUserId), token, digest_of(token)});
      } else {
        const int64_t user = std::uniform_int_distribution<int64_t>(0, users - 1)(random);
        asking.push_back({growth_user(user), growth_token(user), digest_of(growth_token(user))});
      }
    }
  }

  const Asking& next() { return asking[asked++ % kAsking]; }

  // Asks one question; its operation is completed now or later.
  template <class Callback, class Record>
  void ask(Callback callback, const Record& record) {
    callback(host.cookie, 0, ++last_op, 0, &record);
  }

  static constexpr size_t kAsking = 4096;

  std::string path;
  std::string token;
  BareSqlite bare;
  int64_t users;
  StoreHost store;  // opened once they are there: what it remembers is as large as the database
  mxd_host host;
  std::vector<Asking> asking;
  size_t asked = 0;
  mxd_op last_op = 0;
};

Site& the_site() {
  static Site site;
  return site;
}

void list_in_store(benchmark::State& state) {
  Site& site = the_site();
  auto credentials = make<mxd_credentials>();
  credentials.remote_addr = view("192.0.2.7");
  auto query = make<mxd_device_query>();
  for (auto _ : state) {
    const Asking& who = site.next();
    credentials.access_token = view(who.token);
    query.user_id = view(who.user_id);
    const uint64_t before = completed();
    site.ask(site.host.authenticate, credentials);
    site.ask(site.host.list_devices, query);
    wait_for_completed(before + 2);  // a long one is made by another thread
  }
}

void list_bare(benchmark::State& state) {
  Site& site = the_site();
  for (auto _ : state) {
    const Asking& who = site.next();
    site.bare.authenticate(who.digest);
    site.bare.list(who.user_id);
  }
}

// Names that are never there already.
std::vector<std::string> new_names(size_t count) {
  static uint64_t number = 0;
  std::vector<std::string> names(count);
  for (std::string& name : names)
    name = "Name " + std::to_string(++number);
  return names;
}

// Between any two commits so many lists are asked for: as of a server that has 5,000 requests in a
// second, and writes ten times in it when devices were last seen.
constexpr size_t kListsACommit = 500;

// One rename, of anybody's, outside of the time that is taken.
template <class Write>
void write_now_and_then(benchmark::State& state, Write write) {
  static size_t lists = 0;
  if (++lists % kListsACommit != 0) return;
  state.PauseTiming();
  write();
  state.ResumeTiming();
}

void list_between_writes_in_store(benchmark::State& state) {
  Site& site = the_site();
  auto credentials = make<mxd_credentials>();
  credentials.remote_addr = view("192.0.2.7");
  auto query = make<mxd_device_query>();
  for (auto _ : state) {
    const Asking& who = site.next();
    credentials.access_token = view(who.token);
    query.user_id = view(who.user_id);
    site.ask(site.host.authenticate, credentials);
    site.ask(site.host.list_devices, query);
    write_now_and_then(state, [&] {
      const std::string name = new_names(1)[0];
      auto update = make<mxd_device_update>();
      update.flags = MXD_UPDATE_SET_DISPLAY_NAME;
      update.user_id = view(who.user_id);
      update.device_id = view(kOwnDevice);
      update.display_name = view(name);
      const uint64_t before = completed();
      site.ask(site.host.rename_device, update);
      wait_for_completed(before + 1);
    });
  }
}

void list_between_writes_bare(benchmark::State& state) {
  Site& site = the_site();
  for (auto _ : state) {
    const Asking& who = site.next();
    site.bare.authenticate(who.digest);
    site.bare.list(who.user_id);
    write_now_and_then(state, [&] {
      site.bare.begin();
      site.bare.rename(who.user_id, kOwnDevice, new_names(1)[0]);
      site.bare.commit();
    });
  }
}

void get_in_store(benchmark::State& state) {
  Site& site = the_site();
  auto credentials = make<mxd_credentials>();
  credentials.remote_addr = view("192.0.2.7");
  auto key = make<mxd_device_key>();
  key.device_id = view(kOwnDevice);
  for (auto _ : state) {
    const Asking& who = site.next();
    credentials.access_token = view(who.token);
    key.user_id = view(who.user_id);
    site.ask(site.host.authenticate, credentials);
    site.ask(site.host.get_device, key);
  }
}

void get_bare(benchmark::State& state) {
  Site& site = the_site();
  for (auto _ : state) {
    const Asking& who = site.next();
    site.bare.authenticate(who.digest);
    site.bare.get(who.user_id, kOwnDevice);
  }
}

void count_items(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}

void rename_in_store(benchmark::State& state) {
  Site& site = the_site();
  const size_t at_once = static_cast<size_t>(state.range(0));
  std::vector<mxd_device_update> updates(at_once, make<mxd_device_update>());
  for (auto _ : state) {
    const std::vector<std::string> names = new_names(at_once);
    const uint64_t before = completed();
    for (size_t i = 0; i < at_once; ++i) {
      updates[i].flags = MXD_UPDATE_SET_DISPLAY_NAME;
      updates[i].user_id = view(site.next().user_id);
      updates[i].device_id = view(kOwnDevice);
      updates[i].display_name = view(names[i]);
      site.ask(site.host.rename_device, updates[i]);
    }
    wait_for_completed(before + at_once);
  }
  count_items(state);
}

void rename_bare(benchmark::State& state) {
  Site& site = the_site();
  const size_t at_once = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    const std::vector<std::string> names = new_names(at_once);
    site.bare.begin();
    for (const std::string& name : names)
      site.bare.rename(site.next().user_id, kOwnDevice, name);
    site.bare.commit();
  }
  count_items(state);
}

void create_sessions_in_store(benchmark::State& state) {
  Site& site = the_site();
  const size_t at_once = static_cast<size_t>(state.range(0));
  std::vector<mxd_uia_session> sessions(at_once, make<mxd_uia_session>());
  for (auto _ : state) {
    const std::vector<std::string> ids = new_names(at_once);
    const uint64_t before = completed();
    for (size_t i = 0; i < at_once; ++i) {
      mxd_uia_session& session = sessions[i];
      session.expires_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count() +
                           kHourMs;
      session.max_live = 32;
      session.proposed_id = view(ids[i]);
      session.user_id = view(kUserId);
      session.device_id = view(kOwnDevice);
      session.state = view(kState);
      session.method = view("DELETE");
      session.endpoint = view("/devices/{deviceId}");
      site.ask(site.host.uia_create_session, session);
    }
    wait_for_completed(before + at_once);
  }
  count_items(state);
}

void create_sessions_bare(benchmark::State& state) {
  Site& site = the_site();
  const size_t at_once = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    const std::vector<std::string> ids = new_names(at_once);
    site.bare.begin();
    for (const std::string& id : ids)
      site.bare.create_session(digest_of(id), kUserId, "dDEVICE00000", kState);
    site.bare.commit();
  }
  count_items(state);
}

// A session in the store, by its ID.
std::string begin_session(Site& site) {
  const std::string id = new_names(1)[0];
  auto session = make<mxd_uia_session>();
  session.expires_ms = INT64_C(1) << 52;
  session.max_live = 32;
  session.proposed_id = view(id);
  session.user_id = view(kUserId);
  session.device_id = view(kOwnDevice);
  session.state = view(kState);
  const uint64_t before = completed();
  site.ask(site.host.uia_create_session, session);
  wait_for_completed(before + 1);
  return id;
}

void load_session_in_store(benchmark::State& state) {
  Site& site = the_site();
  const std::string id = begin_session(site);
  auto key = make<mxd_uia_session_key>();
  key.session_id = view(id);
  for (auto _ : state) {
    const uint64_t before = completed();
    site.ask(site.host.uia_load_session, key);
    wait_for_completed(before + 1);
  }
}

void load_session_bare(benchmark::State& state) {
  Site& site = the_site();
  const std::string id = new_names(1)[0];
  site.bare.create_session(digest_of(id), kUserId, "dDEVICE00000", kState);
  for (auto _ : state)
    if (site.bare.load_session(digest_of(id)) != 1) std::abort();
}

void replace_session_in_store(benchmark::State& state) {
  Site& site = the_site();
  const std::string id = begin_session(site);
  auto replacement = make<mxd_uia_replacement>();
  replacement.expires_ms = INT64_C(1) << 52;
  replacement.session_id = view(id);
  replacement.user_id = view(kUserId);
  replacement.state = view(kState);
  for (auto _ : state) {
    ++replacement.revision;
    const uint64_t before = completed();
    site.ask(site.host.uia_replace_session, replacement);
    wait_for_completed(before + 1);
  }
}

void replace_session_bare(benchmark::State& state) {
  Site& site = the_site();
  const std::string id = new_names(1)[0];
  site.bare.create_session(digest_of(id), kUserId, "dDEVICE00000", kState);
  int64_t revision = 0;
  for (auto _ : state) {
    if (site.bare.replace_session(digest_of(id), ++revision, kState) != 1) std::abort();
  }
}

// Deletion of `count` devices, which have been made before the clock runs.
template <class Delete>
void remove(benchmark::State& state, Delete remove) {
  Site& site = the_site();
  const int64_t count = state.range(0);
  std::vector<std::string> ids;
  for (int64_t i = 0; i < count; ++i)
    ids.push_back(device_id(static_cast<size_t>(kDevices + i)));
  for (auto _ : state) {
    site.bare.add_devices(kUserId, kDevices, count);
    const auto started = std::chrono::steady_clock::now();
    remove(site, ids);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    state.SetIterationTime(took.count());
  }
  count_items(state);
}

void delete_in_store(benchmark::State& state) {
  remove(state, [](Site& site, const std::vector<std::string>& ids) {
    std::vector<mxd_view> views;
    for (const std::string& id : ids)
      views.push_back(view(id));
    auto deletion = make<mxd_deletion>();
    deletion.device_ids = views.data();
    deletion.device_id_count = views.size();
    deletion.user_id = view(kUserId);
    const uint64_t before = completed();
    site.ask(site.host.delete_devices, deletion);
    wait_for_completed(before + 1);
  });
}

void delete_bare(benchmark::State& state) {
  remove(state, [](Site& site, const std::vector<std::string>& ids) {
    std::string json = "[";
    for (const std::string& id : ids)
      json += (json.size() == 1 ? "\"" : ",\"") + id + '"';
    json += ']';
    site.bare.begin();
    site.bare.remove(kUserId, json);
    site.bare.commit();
  });
}

using Function = void (*)(benchmark::State& state);

using Settings = void (*)(benchmark::internal::Benchmark* bench);

// The store and the loop, by the same name.
void add(const std::string& name, Function in_store, Function bare, Settings settings) {
  settings(benchmark::RegisterBenchmark(("store/" + name).c_str(), in_store));
  settings(benchmark::RegisterBenchmark(("bare/" + name).c_str(), bare));
}

// Long lists are made by another thread, whose time would not be seen.
void read(benchmark::internal::Benchmark* bench) {
  if (number_of("MXD_BENCH_DEVICES", "5") > 1000) bench->UseRealTime();
}

void one_write(benchmark::internal::Benchmark* bench) {
  bench->UseRealTime();
}

// One at a time, and 64.
void many_writes(benchmark::internal::Benchmark* bench) {
  bench->Arg(1)->Arg(64)->UseRealTime();
}

void deletion_of_few(benchmark::internal::Benchmark* bench) {
  bench->Arg(1)->Arg(100)->UseManualTime()->Iterations(50);
}

void deletion_of_many(benchmark::internal::Benchmark* bench) {
  bench->Arg(10000)->UseManualTime()->Iterations(5);
}

}  // namespace
}  // namespace mxd::bench

int main(int argc, char** argv) {
  using namespace mxd::bench;
  add("list", list_in_store, list_bare, read);
  add("list_between_writes", list_between_writes_in_store, list_between_writes_bare, read);
  add("get", get_in_store, get_bare, read);
  add("rename", rename_in_store, rename_bare, many_writes);
  add("create_session", create_sessions_in_store, create_sessions_bare, many_writes);
  add("load_session", load_session_in_store, load_session_bare, read);
  add("replace_session", replace_session_in_store, replace_session_bare, one_write);
  add("delete", delete_in_store, delete_bare, deletion_of_few);
  add("delete", delete_in_store, delete_bare, deletion_of_many);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
