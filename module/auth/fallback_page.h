#pragma once

#include <string_view>

#include "module/host/records.h"
#include "module/memory/arena.h"

namespace mxd::auth {

// The HTML of the fallback page (Client-Server API, "Fallback"). All text is escaped, nothing is
// loaded from elsewhere, and the form works without scripts. Results live in the arena; all
// functions throw std::bad_alloc.
struct FallbackPage {
  memory::Arena* arena = nullptr;
  std::string_view nonce;      // of the page's style and script
  std::string_view type = {};  // the stage's
  std::string_view user = {};
  std::string_view description = {};  // of what the user is asked to confirm
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
