#include "bindings/store/postgres/connection_string.h"

#include <boost/algorithm/string/replace.hpp>
#include <boost/algorithm/string/trim.hpp>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "bindings/common/database_url.h"
#include "bindings/store/postgres/tls.h"

namespace mxd::store::postgres {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

// What stands for what the string does not say.
constexpr std::pair<std::string_view, const char*> kDefaults[] = {
    {"client_encoding", "UTF8"},
    {"fallback_application_name", "matrix_devices"},
    {"connect_timeout", "2"},  // seconds a host
    {"target_session_attrs", "read-write"},
    {"keepalives_idle", "10"},  // seconds
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "10000"},  // milliseconds
};

Options parse(const std::string& text, std::string& error) {
  char* said = nullptr;
  Options options(PQconninfoParse(text.c_str(), &said));
  if (options == nullptr) {
    error = said != nullptr ? said : "no memory";
    PQfreemem(said);
    // What it quotes may be, or hold, a password.
    const size_t begin = error.find('"');
    if (begin != std::string::npos) error.replace(begin, error.rfind('"') - begin + 1, "…");
  }
  return options;
}

std::string one_line(std::string text) {
  boost::algorithm::trim(text);
  boost::algorithm::replace_all(text, "\n\t", " ");
  boost::algorithm::replace_all(text, "\n", "; ");
  return text;
}

const PQconninfoOption* find(const Options& options, std::string_view keyword) {
  const PQconninfoOption* option = options.get();
  while (option != nullptr && option->keyword != nullptr && option->keyword != keyword)
    ++option;
  return option != nullptr && option->keyword != nullptr ? option : nullptr;
}

// What libpq is given: nothing that is NULL.
class ConnectionParameters {
 public:
  void add(const char* keyword, const char* value) {
    keywords_.insert(keywords_.end() - 1, keyword);
    values_.insert(values_.end() - 1, value);
  }

  const char* const* keywords() const { return keywords_.data(); }
  const char* const* values() const { return values_.data(); }

 private:
  std::vector<const char*> keywords_{nullptr};
  std::vector<const char*> values_{nullptr};
};

// What is said of a connection, from the first of these that says anything: the string, the
// environment, a service. Nothing is connected to.
class Said {
 public:
  explicit Said(const std::string& connection_string) : given_(parse(connection_string, error_)) {
    for (const PQconninfoOption* option = given_.get();
         option != nullptr && option->keyword != nullptr; ++option) {
      if (option->val != nullptr) parameters_.add(option->keyword, option->val);
    }
    if (of("service") == nullptr) return;
    // libpq reads the file of services where it connects. It is kept from that by a value that is
    // none, and then tells what it has read.
    ConnectionParameters stopping = parameters_;
    stopping.add("channel_binding", "none of its values");
    const PgConnection stopped(PQconnectStartParams(stopping.keywords(), stopping.values(), 0));
    service_.reset(PQconninfo(stopped.get()));
  }

  // What the string says.
  const ConnectionParameters& parameters() const { return parameters_; }

  // NULL: nothing.
  const char* of(std::string_view keyword) const {
    const PQconninfoOption* const option = find(given_, keyword);
    if (option == nullptr) return nullptr;
    if (option->val != nullptr) return option->val;
    const char* const set = option->envvar != nullptr ? std::getenv(option->envvar) : nullptr;
    if (set != nullptr && *set != '\0') return set;
    const PQconninfoOption* const read = find(service_, keyword);
    if (read == nullptr || read->val == nullptr || *read->val == '\0') return nullptr;
    const bool is_default =
        read->compiled != nullptr && std::strcmp(read->val, read->compiled) == 0;
    return is_default ? nullptr : read->val;
  }

  std::string_view text_of(std::string_view keyword) const {
    const char* const value = of(keyword);
    return value != nullptr ? value : "";
  }

 private:
  std::string error_;
  Options given_;
  ConnectionParameters parameters_;
  Options service_;
};

}  // namespace

Outcome check_connection_string(std::string_view text) {
  constexpr const char* kRight = "write postgresql://USER@HOST/DATABASE, or host=… dbname=… user=…";
  std::string error;
  Options options;
  if (text.find('\0') == std::string_view::npos) options = parse(std::string(text), error);
  const bool hides = common::holds_password(text);
  if (options == nullptr) {
    // What libpq says may hold a part of the password.
    return {MXD_INVALID_ARGUMENT,
            "libpq does not understand the connection string" +
                (hides ? "; look at its password: in a URL percent-encoded, in key words quoted: "
                       : " (" + one_line(error) + "): ") +
                kRight};
  }
  // A password that was written wrongly would be tried as a host, a port or a database.
  const PQconninfoOption* const host = find(options, "host");
  const bool is_host = host == nullptr || host->val == nullptr ||
                       std::string_view(host->val).find('@', 1) == std::string_view::npos;
  bool is_read = false;
  for (const char* const keyword :
       {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}) {
    const PQconninfoOption* const option = find(options, keyword);
    is_read = is_read || (option != nullptr && option->val != nullptr && *option->val != '\0');
  }
  if (is_host && is_read == hides) return {};
  return {MXD_INVALID_ARGUMENT,
          std::string("the connection string has a @ or a password in a place where libpq takes it "
                      "for something else: write @ in it as %40, / as %2F, : as %3A; ") +
              kRight};
}

PgConnection connect_to(const std::string& connection_string) {
  const Said said(connection_string);
  ConnectionParameters parameters = said.parameters();
  for (const auto& [keyword, otherwise] : kDefaults) {
    if (said.of(keyword) == nullptr) parameters.add(keyword.data(), otherwise);
  }
  if (said.of("sslmode") == nullptr &&
      leads_over_a_network(said.text_of("host"), said.text_of("hostaddr"))) {
    parameters.add("sslmode", "verify-full");
  }
  PgConnection connection(PQconnectdbParams(parameters.keywords(), parameters.values(), 0));
  if (connection == nullptr) throw std::bad_alloc();
  // What the server has to say beside answers is the operator's to find in its own log.
  PQsetNoticeReceiver(
      connection.get(), [](void*, const PGresult*) {}, nullptr);
  return connection;
}

std::string trouble_of(const PGconn* connection) {
  const std::string trouble = one_line(PQerrorMessage(connection));
  const std::string_view advice = tls_advice(trouble);
  // Before what may be long, and is cut where there is no place for it.
  return advice.empty() ? trouble : std::string(advice) + " (" + trouble + ")";
}

}  // namespace mxd::store::postgres
