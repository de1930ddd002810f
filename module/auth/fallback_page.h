#pragma once

#include <string_view>

#include "module/auth/page_texts.h"
#include "module/auth/stage_types.h"
#include "module/host/records.h"
#include "module/memory/arena.h"

namespace mxd::auth {

// A device that is to be signed out, in a list.
struct PageDevice {
  std::string_view id;
  std::string_view name;  // may be empty
  PageDevice* next = nullptr;
};

// The HTML of the fallback page (Client-Server API, "Fallback"). All text is escaped, nothing is
// loaded from elsewhere, and the form works without scripts. Results live in the arena; all
// functions throw std::bad_alloc.
struct FallbackPage {
  memory::Arena* arena = nullptr;
  const PageTexts* texts = nullptr;
  std::string_view nonce;        // of the page's style and script
  std::string_view server = {};  // its name, or empty
  PageForm asks_for = PageForm::kNone;
  std::string_view user = {};
  const PageDevice* devices = nullptr;  // none: it is not known which
  size_t more_devices = 0;              // than those named
  std::string_view form_token = {};
  std::string_view params = {};  // the stage's, as JSON, or empty

  // The form; `complaint` says what was wrong with the last one, or is empty.
  std::string_view form(std::string_view complaint) const;
  // The stage is complete: tells the client so, as the specification writes it.
  std::string_view done() const;
  std::string_view failure(std::string_view text) const;

  // The value of the Content-Security-Policy header.
  std::string_view policy() const;
};

// The parameters of a stage, as JSON, or an empty text.
std::string_view find_params(const host::Flows& flows, std::string_view type) noexcept;

}  // namespace mxd::auth
