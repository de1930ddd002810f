#include "tests/check/driver.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <stdexcept>

namespace mxd::check_test {
namespace {

namespace json = boost::json;

constexpr int kParallel = 8;
constexpr const char* kFirst =
    R"({"step":"reading","method":"GET","target":"/_matrix/client/v3/devices?resume=reading.e30",
        "token":"/users/0/token","times":1,"after_ms":0,"body_bytes":0,"place":"here"})";

class Driver {
 public:
  Driver(std::string library, std::string planted, Answers answers)
      : library_(std::move(library)), planted_(std::move(planted)), answers_(answers) {
    here_ = start();
  }

  Result go() {
    json::value next = json::parse(kFirst);
    while (!next.is_null())
      next = send(next.get_object());
    keep_log(*here_);
    return std::move(result_);
  }

 private:
  std::unique_ptr<PlantedHost> start() {
    return std::make_unique<PlantedHost>(library_, world_, planted_, answers_, config_);
  }

  std::string token(const json::value& pointer) const {
    if (pointer.is_null()) return "nobody's token";
    const json::value check = json::parse(config_).at("check");
    json::error_code error;
    return std::string(check.find_pointer(pointer.as_string(), error)->as_string());
  }

  // Gives what comes next.
  json::value send(const json::object& step) {
    const std::string place(step.at("place").as_string());
    world_->turned_ms += step.at("after_ms").to_number<int64_t>();
    if (place == "restarted") {
      if (planted_ == "loses sessions at a restart") world_->sessions.clear();
      if (planted_ == "loses devices at a restart")
        world_->users.at("@alice:check.example").devices.clear();
      keep_log(*here_);
      here_.reset();
      here_ = start();
    }
    const auto elsewhere = place == "elsewhere" ? start() : nullptr;
    PlantedHost& host = elsewhere ? *elsewhere : *here_;
    std::vector<Reply> replies(step.at("times").to_number<size_t>());
    std::vector<std::thread> threads;
    for (Reply& reply : replies) {
      threads.emplace_back([&] { reply = ask(host, step); });
    }
    for (std::thread& thread : threads)
      thread.join();
    for (Reply& reply : replies) {
      if (reply.http_status == 0) reply = skip(step);
    }
    json::value next;
    for (const Reply& reply : replies)
      next = keep(reply);
    if (elsewhere != nullptr) keep_log(*elsewhere);
    return next;
  }

  void keep_log(PlantedHost& host) {
    const std::vector<std::string> lines = host.log();
    result_.log.insert(result_.log.end(), lines.begin(), lines.end());
  }

  Reply ask(PlantedHost& host, const json::object& step) const {
    return host.ask(std::string(step.at("method").as_string()),
                    std::string(step.at("target").as_string()), token(step.at("token")),
                    step.at("body_bytes").to_number<size_t>());
  }

  Reply skip(const json::object& step) const {
    const std::string target(step.at("target").as_string());
    return here_->ask("GET",
                      "/_matrix/client/v3/devices" + target.substr(target.find('?')) +
                          "&skip=it+was+not+answered",
                      token("/users/0/token"), 0);
  }

  json::value keep(const Reply& reply) {
    const json::value report = json::parse(reply.body);
    if (report.as_object().if_contains("promises") == nullptr) {
      throw std::runtime_error("no report: " + reply.body);
    }
    const std::vector<std::string> ranks{"", "to come", "not tried", "held", "broken"};
    const auto rank = [&](const std::string& outcome) {
      return std::find(ranks.begin(), ranks.end(), outcome);
    };
    for (const json::value& promise : report.at("promises").as_array()) {
      const std::string name(promise.at("name").as_string());
      const Outcome outcome{std::string(promise.at("outcome").as_string()),
                            std::string(promise.at("detail").as_string())};
      const auto known = result_.promises.find(name);
      if (known == result_.promises.end())
        result_.promises.emplace(name, outcome);
      else if (rank(outcome.outcome) >= rank(known->second.outcome))
        known->second = outcome;
    }
    return report.at("next");
  }

  const std::string library_;
  const std::string planted_;
  const Answers answers_;
  const std::string config_ = configuration(kParallel);
  const std::shared_ptr<World> world_ = std::make_shared<World>();
  std::unique_ptr<PlantedHost> here_;
  Result result_;
};

}  // namespace

std::vector<std::string> Result::of(const std::string& outcome) const {
  std::vector<std::string> names;
  for (const auto& [name, each] : promises) {
    if (each.outcome == outcome) names.push_back(name);
  }
  return names;
}

std::string Result::text() const {
  std::string lines;
  for (const auto& [name, each] : promises) {
    if (each.outcome != "held") lines += each.outcome + " " + name + ": " + each.detail + "\n";
  }
  return lines;
}

Result run(const std::string& library, const std::string& planted, Answers answers) {
  return Driver(library, planted, answers).go();
}

}  // namespace mxd::check_test
