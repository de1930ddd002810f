#include "module/auth/fallback_page.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "module/http/json_body.h"
#include "module/http/json_parser.h"
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

  Html& number(size_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return raw({digits, static_cast<size_t>(end - digits)});
  }

  std::string_view view() const { return out_.view(); }

 private:
  memory::OutputBuffer out_;
};

void begin(Html& html, const FallbackPage& page, std::string_view title) {
  html.raw("<!DOCTYPE html>\n<html lang=\"")
      .raw(page.texts->language)
      .raw("\">\n<head>\n<meta charset=\"utf-8\">\n")
      .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>")
      .text(title)
      .raw("</title>\n<style nonce=\"")
      .text(page.nonce)
      .raw("\">")
      .raw(kStyle)
      .raw("</style>\n</head>\n<body>\n<main>\n<h1>")
      .text(title)
      .raw("</h1>\n");
}

void end(Html& html) {
  html.raw("</main>\n</body>\n</html>\n");
}

void write_devices(Html& html, const FallbackPage& page) {
  const PageTexts& texts = *page.texts;
  if (page.devices == nullptr) {
    html.raw("<p>").text(texts.signs_out_some).raw("</p>\n");
    return;
  }
  const bool one = page.devices->next == nullptr && page.more_devices == 0;
  html.raw("<p>").text(one ? texts.signs_out_one : texts.signs_out_these).raw("</p>\n<ul>\n");
  for (const auto* device = page.devices; device != nullptr; device = device->next) {
    html.raw("<li>");
    if (!device->name.empty()) html.raw("<b>").text(device->name).raw("</b> ");
    html.raw("<code>").text(device->id).raw("</code></li>\n");
  }
  if (page.more_devices != 0) {
    html.raw("<li>")
        .text(texts.and_more[0])
        .number(page.more_devices)
        .text(texts.and_more[1])
        .raw("</li>\n");
  }
  html.raw("</ul>\n");
}

void write_account(Html& html, const FallbackPage& page) {
  html.raw("<p>").text(page.texts->account).raw(" <b>").text(page.user).raw("</b>");
  if (!page.server.empty()) {
    html.raw("<br>\n").text(page.texts->server).raw(" <b>").text(page.server).raw("</b>");
  }
  html.raw("</p>\n");
}

// One policy of m.login.terms, in the page's language, else in English or in the first that there
// is.
void write_policy(Html& html, const json::value& policy, std::string_view language) {
  const auto* translations = policy.if_object();
  if (translations == nullptr) return;
  const json::object* chosen = nullptr;
  for (const std::string_view wanted : {language, std::string_view("en")}) {
    const auto* translation = translations->if_contains(wanted);
    if (chosen == nullptr && translation != nullptr) chosen = translation->if_object();
  }
  for (const auto& translation : *translations) {
    if (chosen == nullptr) chosen = translation.value().if_object();
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

void write_policies(Html& html, const FallbackPage& page) {
  html.raw("<p>").text(page.texts->terms).raw("</p>\n<ul>\n");
  const auto parsed = http::parse_json(*page.arena, page.params, http::JsonLimits());
  const auto* object = parsed.value == nullptr ? nullptr : parsed.value->if_object();
  const auto* policies = object == nullptr ? nullptr : object->if_contains("policies");
  if (policies != nullptr && policies->is_object()) {
    for (const auto& policy : policies->get_object())
      write_policy(html, policy.value(), page.texts->language);
  }
  html.raw("</ul>\n");
}

// The fields of the form. `described` joins a field to the complaint about it.
void write_fields(Html& html, const FallbackPage& page, std::string_view described) {
  const PageTexts& texts = *page.texts;
  switch (page.asks_for) {
    case PageForm::kPassword:
      // The user's name goes along for password managers.
      html.raw("<input type=\"text\" name=\"user\" autocomplete=\"username\" hidden value=\"")
          .text(page.user)
          .raw("\">\n<label for=\"password\">")
          .text(texts.password)
          .raw("</label>\n")
          .raw("<input type=\"password\" id=\"password\" name=\"password\" required autofocus")
          .raw(" autocomplete=\"current-password\"")
          .raw(described)
          .raw(">\n");
      break;
    case PageForm::kRegistrationToken:
      html.raw("<label for=\"token\">")
          .text(texts.registration_token)
          .raw("</label>\n<input type=\"text\" id=\"token\" name=\"token\" required autofocus")
          .raw(" autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\"")
          .raw(described)
          .raw(">\n");
      break;
    case PageForm::kTerms:
      write_policies(html, page);
      html.raw("<label><input type=\"checkbox\" name=\"accept\" value=\"yes\" required")
          .raw(described)
          .raw("> ")
          .text(texts.agree)
          .raw("</label>\n");
      break;
    case PageForm::kNone:
      break;
  }
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
  begin(html, *this, texts->title);
  write_devices(html, *this);
  write_account(html, *this);
  if (!complaint.empty()) {
    html.raw("<p class=\"wrong\" role=\"alert\" id=\"complaint\">").text(complaint).raw("</p>\n");
  }
  html.raw("<form method=\"post\">\n<input type=\"hidden\" name=\"form_token\" value=\"")
      .text(form_token)
      .raw("\">\n");
  write_fields(html, *this,
               complaint.empty() ? "" : " aria-invalid=\"true\" aria-describedby=\"complaint\"");
  html.raw("<button type=\"submit\">").text(texts->button).raw("</button>\n</form>\n");
  end(html);
  return arena->copy(html.view());
}

std::string_view FallbackPage::done() const {
  Html html;
  begin(html, *this, texts->done_title);
  html.raw("<p role=\"status\">")
      .text(texts->done)
      .raw("</p>\n<script nonce=\"")
      .text(nonce)
      .raw("\">")
      .raw(kTellClient)
      .raw("</script>\n");
  end(html);
  return arena->copy(html.view());
}

std::string_view FallbackPage::failure(std::string_view text) const {
  Html html;
  begin(html, *this, texts->failed_title);
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
