// The fake host's table: what the module calls.
#include <algorithm>
#include <cstddef>

#include "tests/unit/fake_host.h"

namespace mxd::test {
namespace {

FakeHost& self(mxd_cookie cookie) {
  return *reinterpret_cast<FakeHost*>(cookie);
}

// A callback's name, as a template's argument.
template <size_t size>
struct Name {
  char text[size];
  constexpr Name(const char (&name)[size]) { std::copy_n(name, size, text); }
};

}  // namespace

// A callback with an operation: `answer` is the member function that answers it.
template <auto name, class Asked, int32_t (FakeHost::*answer)(mxd_op, const Asked&)>
struct FakeHost::Question<name, answer> {
  static int32_t callback(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                          const Asked* asked) noexcept {
    FakeHost& me = self(host);
    EXPECT_EQ(asked->size, sizeof *asked) << name.text;
    return me.ask_for(principal, name.text, request, op,
                      [&me, op, asked] { return (me.*answer)(op, *asked); });
  }
};

void FakeHost::fill_table() {
  table.respond = [](mxd_cookie host, mxd_cookie request, const mxd_response* record) noexcept {
    Response response{static_cast<int>(record->http_status), {}, copied(record->body)};
    for (size_t i = 0; i < record->header_count; ++i) {
      response.headers.emplace_back(copied(record->headers[i].name),
                                    copied(record->headers[i].value));
    }
    FakeHost& me = self(host);
    const std::lock_guard lock(me.mutex_);
    EXPECT_TRUE(me.responses_.emplace(request, std::move(response)).second) << "answered twice";
    me.changed_.notify_all();
  };

  table.authenticate = Question<Name("authenticate"), &FakeHost::authenticate>::callback;
  table.list_devices = Question<Name("list_devices"), &FakeHost::list_devices>::callback;
  table.get_device = Question<Name("get_device"), &FakeHost::get_device>::callback;
  table.rename_device = Question<Name("rename_device"), &FakeHost::rename_device>::callback;
  table.put_device = Question<Name("put_device"), &FakeHost::put_device>::callback;
  table.delete_devices = Question<Name("delete_devices"), &FakeHost::delete_devices>::callback;
  table.uia_flows = Question<Name("uia_flows"), &FakeHost::uia_flows>::callback;
  table.uia_create_session =
      Question<Name("uia_create_session"), &FakeHost::uia_create_session>::callback;
  table.uia_load_session =
      Question<Name("uia_load_session"), &FakeHost::uia_load_session>::callback;
  table.uia_replace_session =
      Question<Name("uia_replace_session"), &FakeHost::uia_replace_session>::callback;
  table.uia_check = Question<Name("uia_check"), &FakeHost::uia_check>::callback;
  table.mark_validated = Question<Name("mark_validated"), &FakeHost::mark_validated>::callback;

  table.release_principal = [](mxd_cookie host, mxd_cookie principal) noexcept {
    FakeHost& me = self(host);
    const std::lock_guard lock(me.mutex_);
    EXPECT_EQ(me.principals_.erase(principal), 1u) << "a principal was released twice";
  };
  table.now_ms = [](mxd_cookie host) noexcept -> int64_t { return self(host).now_ms; };
  table.log = [](mxd_cookie host, mxd_cookie, int32_t level, mxd_view message) noexcept {
    FakeHost& me = self(host);
    const std::lock_guard lock(me.mutex_);
    me.log_.push_back(std::to_string(level) + " " + copied(message));
  };
}

void FakeHost::share_limits() {
  table.take_limit = Question<Name("take_limit"), &FakeHost::take_limit>::callback;
}

}  // namespace mxd::test
