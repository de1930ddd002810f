#include "module/auth/fallback_page.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "module/http/json_body.h"
#include "module/http/text.h"
#include "module/memory/output_buffer.h"

namespace mxd::auth {
namespace {

namespace json = boost::json;

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;--page:#f2f4f7;--card:#fff;--text:#1b1f24;--line:#868d97;"
    "--accent:#0b57d0;--on-accent:#fff;--wrong:#b3261e;--wrong-card:#fceeed}"
    "@media(prefers-color-scheme:dark){:root{--page:#101418;--card:#1c2127;--text:#e6e9ed;"
    "--line:#78818d;--accent:#a8c7fa;--on-accent:#06214f;--wrong:#ffb4ab;--wrong-card:#3b1b19}}"
    "body{margin:0;padding:1rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere;"
    "background:var(--page);color:var(--text)}"
    "main{max-width:22rem;margin:8vh auto;padding:1.75rem;border-radius:.75rem;"
    "background:var(--card);box-shadow:0 1px 4px #0003}"
    "h1{margin:0;font-size:1.4rem;line-height:1.25}"
    "p{margin:.75rem 0 0}"
    "a{color:var(--accent)}"
    "label{display:block;margin:1.25rem 0 .25rem;font-weight:600}"
    "input[type=password],input[type=text]{box-sizing:border-box;width:100%;min-height:2.75rem;"
    "padding:.5rem .75rem;border:1px solid var(--line);border-radius:.5rem;background:none;"
    "color:inherit;font:inherit}"
    "button{width:100%;min-height:2.75rem;margin-top:1.25rem;border:1px solid transparent;"
    "border-radius:.5rem;background:var(--accent);color:var(--on-accent);font:inherit;"
    "font-weight:600;cursor:pointer}"
    ":focus-visible{outline:.15rem solid var(--accent);outline-offset:.1rem}"
    ".wrong{padding:.6rem .75rem;border-left:.25rem solid var(--wrong);border-radius:.25rem;"
    "background:var(--wrong-card)}";

// Tells the client that the stage is complete: the specification's own words.
constexpr std::string_view kTellClient =
    "if(window.onAuthDone){window.onAuthDone();}"
    "else if(window.opener&&window.opener.postMessage){"
    "window.opener.postMessage(\"authDone\",\"*\");}";

// Writes HTML: literals as they are, everything else escaped.
class Html {
 public:
  Html& raw(std::string_view text) {
    out_.append(text);
    return *this;
  }

  Html& text(std::string_view text) {
    for (const char c : text) {
      switch (c) {
        case '&':
          out_.append("&amp;");
          break;
        case '<':
          out_.append("&lt;");
          break;
        case '>':
          out_.append("&gt;");
          break;
        case '"':
          out_.append("&quot;");
          break;
        case '\'':
          out_.append("&#39;");
          break;
        default:
          out_.append({&c, 1});
      }
    }
    return *this;
  }

  std::string_view view() const { return out_.view(); }

 private:
  memory::OutputBuffer out_;
};

void begin(Html& html, std::string_view title, std::string_view nonce) {
  html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
      .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>")
      .text(title)
      .raw("</title>\n<style nonce=\"")
      .text(nonce)
      .raw("\">")
      .raw(kStyle)
      .raw("</style>\n</head>\n<body>\n<main>\n<h1>")
      .text(title)
      .raw("</h1>\n");
}

void end(Html& html) {
  html.raw("</main>\n</body>\n</html>\n");
}

// One policy of m.login.terms, in English or else in the first language that it is in.
void write_policy(Html& html, const json::value& policy) {
  const auto* languages = policy.if_object();
  if (languages == nullptr) return;
  const json::object* chosen = nullptr;
  for (const auto& language : *languages) {
    const auto* object = language.value().if_object();
    if (object != nullptr && (chosen == nullptr || language.key() == "en")) chosen = object;
  }
  if (chosen == nullptr) return;
  bool wrong_type = false;
  const auto name = http::find_string(*chosen, "name", wrong_type);
  const auto url = http::find_string(*chosen, "url", wrong_type);
  if (!name || !url || !(url->starts_with("https://") || url->starts_with("http://"))) return;
  html.raw("<li><a target=\"_blank\" rel=\"noopener noreferrer\" href=\"")
      .text(*url)
      .raw("\">")
      .text(*name)
      .raw("</a></li>\n");
}

void write_terms(Html& html, std::string_view params) {
  html.raw("<p>Please read:</p>\n<ul>\n");
  json::error_code error;
  const json::value parsed = json::parse({params.data(), params.size()}, error);
  const auto* object = error ? nullptr : parsed.if_object();
  const auto* policies = object == nullptr ? nullptr : object->if_contains("policies");
  if (policies != nullptr && policies->is_object()) {
    for (const auto& policy : policies->get_object())
      write_policy(html, policy.value());
  }
  html.raw("</ul>\n<label><input type=\"checkbox\" name=\"accept\" value=\"yes\" required");
}

}  // namespace

std::string_view find_params(const host::Flows& flows, std::string_view type) noexcept {
  for (const auto* params = flows.params; params != nullptr; params = params->next) {
    if (params->type == type) return params->json;
  }
  return {};
}

std::string_view FallbackPage::form(std::string_view complaint) const {
  Html html;
  begin(html, "Confirm that it is you", nonce);
  html.raw("<p>").text(description).raw(", as <b>").text(user).raw("</b>.</p>\n");
  if (!complaint.empty()) {
    html.raw("<p class=\"wrong\" role=\"alert\" id=\"complaint\">").text(complaint).raw("</p>\n");
  }
  const std::string_view described =
      complaint.empty() ? "" : " aria-invalid=\"true\" aria-describedby=\"complaint\"";
  html.raw("<form method=\"post\">\n<input type=\"hidden\" name=\"form_token\" value=\"")
      .text(form_token)
      .raw("\">\n");
  if (type == "m.login.password") {
    // The user's name goes along for password managers.
    html.raw("<input type=\"text\" name=\"user\" autocomplete=\"username\" hidden value=\"")
        .text(user)
        .raw("\">\n<label for=\"password\">Password</label>\n")
        .raw("<input type=\"password\" id=\"password\" name=\"password\" required autofocus")
        .raw(" autocomplete=\"current-password\"")
        .raw(described)
        .raw(">\n");
  } else if (type == "m.login.registration_token") {
    html.raw("<label for=\"token\">Registration token</label>\n")
        .raw("<input type=\"text\" id=\"token\" name=\"token\" required autofocus")
        .raw(" autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\"")
        .raw(described)
        .raw(">\n");
  } else {
    write_terms(html, params);
    html.raw(described).raw("> I have read them and agree.</label>\n");
  }
  html.raw("<button type=\"submit\">Continue</button>\n</form>\n");
  end(html);
  return arena->copy(html.view());
}

std::string_view FallbackPage::done() const {
  Html html;
  begin(html, "Thank you", nonce);
  html.raw(
          "<p role=\"status\">This step is complete. You can close this window and go back to the ")
      .raw("application.</p>\n<script nonce=\"")
      .text(nonce)
      .raw("\">")
      .raw(kTellClient)
      .raw("</script>\n");
  end(html);
  return arena->copy(html.view());
}

std::string_view FallbackPage::failure(std::string_view text) const {
  Html html;
  begin(html, "That did not work", nonce);
  html.raw("<p role=\"alert\">").text(text).raw("</p>\n");
  end(html);
  return arena->copy(html.view());
}

std::string_view FallbackPage::policy() const {
  return http::concatenate(
      *arena, {"default-src 'none'; style-src 'nonce-", nonce, "'; script-src 'nonce-", nonce,
               "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"});
}

}  // namespace mxd::auth
