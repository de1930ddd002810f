#include "tests/sweep/answer_check.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cctype>
#include <optional>
#include <string_view>

namespace mxd::sweep {
namespace {

namespace json = boost::json;

std::optional<json::object> parse(std::string_view body) {
  boost::system::error_code failed;
  auto value = json::parse(body, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string header(const Answer& answer, const std::string& name) {
  const auto found = answer.headers.find(name);
  return found == answer.headers.end() ? std::string() : found->second;
}

int64_t seconds(int64_t ms) {
  return ms / 1000 + (ms % 1000 != 0 ? 1 : 0);
}

std::string short_text(std::string_view text) {
  return std::string(text.substr(0, 300));
}

// Its members' names, sorted.
std::string names_of(const json::object& object) {
  std::vector<std::string> names;
  for (const auto& member : object)
    names.emplace_back(member.key());
  std::sort(names.begin(), names.end());
  std::string all;
  for (const auto& name : names)
    all += (all.empty() ? "" : ",") + name;
  return all;
}

bool is_html(const Answer& answer) {
  return header(answer, "Content-Type").starts_with("text/html");
}

class RowCheck {
 public:
  RowCheck(const Answer& answer, const Step& step, std::vector<std::string>& problems)
      : answer_(answer), step_(step), problems_(problems), body_(parse(answer.body)) {}

  void expect(bool holds, const std::string& what) {
    if (!holds)
      problems_.push_back(what + "; got " + std::to_string(answer_.status) + " " +
                          short_text(answer_.body));
  }

  void check_retry_after(std::optional<int64_t> ms) {
    const std::string expected = ms.has_value() ? std::to_string(seconds(*ms)) : std::string();
    expect(header(answer_, "Retry-After") == expected,
           "Retry-After '" + header(answer_, "Retry-After") + "', not '" + expected + "'");
  }

  void check_rule(const RowRule& rule, const Fault& fault) {
    const std::string name = "row " + std::string(rule.name);
    expect(answer_.status == rule.status, name + " is " + std::to_string(rule.status));
    int64_t wait_ms = fault.what == What::kRetry ? fault.spoil.wait_ms : 1000;
    if (rule.row == Row::kL1 && wait_ms == 0) wait_ms = 1000;  // not at once
    check_retry_after(rule.retry_after ? std::optional<int64_t>(wait_ms) : std::nullopt);
    const bool of_the_server = rule.status >= 500;
    if (of_the_server) {
      expect(answer_.body.find("CAUSE") == std::string::npos &&
                 answer_.body.find(traits(fault.callback).name) == std::string::npos,
             "the answer tells the cause");
    }
    if (step_.scene == Scene::kPage) return;
    expect(body_.has_value() && names_of(*body_) == rule.members,
           name + " has the members " + std::string(rule.members));
    expect(text_member(answer_.body, "errcode") == rule.errcode,
           name + " has the errcode " + std::string(rule.errcode));
    if (!body_.has_value()) return;
    if (rule.row == Row::kA4) expect(body_->at("soft_logout") == false, name);
    if (rule.row == Row::kA5 || rule.row == Row::kA6) {
      expect(body_->at("soft_logout") == true, name);
    }
    if (rule.row == Row::kG1) expect(body_->at("devices") == json::array(), name);
    if (rule.row == Row::kL1) {
      expect(body_->at("retry_after_ms") == wait_ms, "another retry_after_ms");
    }
  }

  // A16
  void check_error(const Reply& sent) {
    const auto found =
        std::find_if(sent.results.begin(), sent.results.end(),
                     [](const Result& result) { return result.kind == Kind::kError; });
    const Result& error = *found;
    expect(answer_.status == static_cast<int>(error.http_status), "A16: the host's own status");
    check_retry_after(error.number >= 0 ? std::optional<int64_t>(error.number) : std::nullopt);
    if (step_.scene == Scene::kPage) return;
    expect(body_.has_value(), "A16: a JSON object");
    expect(text_member(answer_.body, "errcode") == error.texts[0].bytes, "A16: the host's errcode");
    expect(text_member(answer_.body, "error") == error.texts[1].bytes, "A16: the host's text");
    if (!body_.has_value() || error.texts[2].bytes.empty()) return;
    const json::value extra = json::parse(error.texts[2].bytes);
    for (const auto& member : extra.get_object()) {
      const auto* there = body_->if_contains(member.key());
      expect(there != nullptr && *there == member.value(), "A16: the host's members");
    }
  }

 private:
  const Answer& answer_;
  const Step& step_;
  std::vector<std::string>& problems_;
  std::optional<json::object> body_;
};

bool has(const std::vector<LogLine>& log, int32_t least, std::string_view text) {
  return std::any_of(log.begin(), log.end(), [&](const LogLine& line) {
    return line.level >= least && line.text.find(text) != std::string::npos;
  });
}

}  // namespace

std::string without_secrets(std::string_view body) {
  constexpr size_t kShortest = 40;
  std::string out;
  for (size_t at = 0; at < body.size();) {
    size_t end = at;
    while (end < body.size() && (std::isalnum(static_cast<unsigned char>(body[end])) != 0 ||
                                 body[end] == '_' || body[end] == '-')) {
      ++end;
    }
    if (end == at) {
      out += body[at++];
      continue;
    }
    out += end - at >= kShortest ? "#" : body.substr(at, end - at);
    at = end;
  }
  return out;
}

std::string text_member(std::string_view body, std::string_view name) {
  const auto object = parse(body);
  const auto* member = object.has_value() ? object->if_contains(name) : nullptr;
  const auto* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

void check_any(const Answer& answer, const Step& step, std::vector<std::string>& problems) {
  RowCheck check(answer, step, problems);
  check.expect(answer.status >= 200 && answer.status <= 599, "no status of HTTP's");
  check.expect(answer.body.find("SECRET") == std::string::npos, "a secret in the answer");
  check.expect(header(answer, "Cache-Control") == "no-store", "R12: Cache-Control");
  if (step.scene == Scene::kPage) {
    check.expect(is_html(answer), "a page is HTML");
    check.expect(!header(answer, "Content-Security-Policy").empty(), "a page has a policy");
    return;
  }
  check.expect(header(answer, "Access-Control-Allow-Origin") == "*", "R12: CORS");
  check.expect(header(answer, "Content-Type") == "application/json", "R12: Content-Type");
  const auto body = parse(answer.body);
  check.expect(body.has_value(), "a JSON object");
  if (!body.has_value()) return;
  const std::string errcode = text_member(answer.body, "errcode");
  if (body->contains("flows")) {  // U24
    check.expect(answer.status == 401 && (errcode.empty() || errcode == "M_FORBIDDEN"), "U24");
  } else if (answer.status >= 400) {
    check.expect(!errcode.empty() && body->contains("error"), "an error has errcode and error");
  }
}

void check_same(const Answer& answer, const Answer& without, std::vector<std::string>& problems) {
  if (answer.status == without.status &&
      without_secrets(answer.body) == without_secrets(without.body)) {
    return;
  }
  problems.push_back("not the answer without the fault: " + std::to_string(answer.status) + " " +
                     short_text(answer.body) + ", in the place of " +
                     std::to_string(without.status) + " " + short_text(without.body));
}

void check_row(const Answer& answer, const Answer& without, Row row, const Fault& fault,
               const Reply& sent, const Step& step, std::vector<std::string>& problems) {
  RowCheck check(answer, step, problems);
  switch (row) {
    case Row::kAsWithout:
      return check_same(answer, without, problems);
    case Row::kStatusAsWithout:
      return check.expect(answer.status == without.status,
                          "status " + std::to_string(without.status));
    case Row::kAny:
      return check.expect(answer.status < 500, "no failure of the server's");
    case Row::kA16:
      return check.check_error(sent);
    default:
      return check.check_rule(*find_rule(row), fault);
  }
}

void check_log(const std::vector<LogLine>& log, const Expected* expected, const Fault* fault,
               const std::vector<std::string>& secrets, std::vector<std::string>& problems) {
  for (const auto& line : log) {
    const bool one_line = std::all_of(line.text.begin(), line.text.end(),
                                      [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
    if (!one_line) problems.push_back("a line of the log that is none: " + line.text);
    for (const auto& secret : secrets) {
      if (line.text.find(secret) == std::string::npos) continue;
      problems.push_back("a secret in the log: " + line.text);
    }
  }
  const bool named = expected != nullptr && expected->named;
  const bool accused = expected != nullptr && expected->accused;
  if (named && !has(log, MXD_LOG_ERROR, traits(fault->callback).name)) {
    problems.push_back("no line of the log names " + std::string(traits(fault->callback).name));
  }
  if (named && fault->what == What::kRubbish && !has(log, MXD_LOG_ERROR, fault->spoil.record)) {
    problems.push_back("no line of the log names the record");
  }
  if (accused && !named && !has(log, MXD_LOG_HOST_MISBEHAVING, "")) {
    problems.emplace_back("no line of the log accuses the host");
  }
  const bool any = expected != nullptr && expected->row == Row::kAny;
  if (named || accused || any || !has(log, MXD_LOG_ERROR, "")) return;
  problems.push_back("the log speaks of an error where there is none: " + log.back().text);
}

}  // namespace mxd::sweep
