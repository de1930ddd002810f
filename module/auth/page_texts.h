#pragma once

#include <string_view>

namespace mxd::auth {

// What a fallback page says, in one language. Two of a sentence stand before and after a number.
struct PageTexts {
  std::string_view language;  // RFC 5646

  std::string_view title;
  std::string_view signs_out_one;    // the device follows
  std::string_view signs_out_these;  // their list follows
  std::string_view signs_out_some;   // of the account, not known which
  std::string_view and_more[2];
  std::string_view account;
  std::string_view server;
  std::string_view password;
  std::string_view registration_token;
  std::string_view terms;
  std::string_view agree;
  std::string_view button;

  std::string_view wrong_password;
  std::string_view wrong_token;
  std::string_view not_accepted;
  std::string_view other_account;
  std::string_view empty_field;
  std::string_view too_many[2];  // seconds

  std::string_view done_title;
  std::string_view done;

  std::string_view failed_title;
  std::string_view gone;
  std::string_view forged;
  std::string_view too_large;
  std::string_view busy;
  std::string_view failed;
};

// The language that a reader likes best of those that there are, by an Accept-Language header (RFC
// 9110, section 12.5.4); English where none is asked for.
const PageTexts& choose_texts(std::string_view accept_language) noexcept;

}  // namespace mxd::auth
