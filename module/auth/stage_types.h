#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string_view>

#include "module/http/api_error.h"

namespace mxd::auth {

// The credentials of m.login.password, read once, as the contract hands them on. Text is what the
// client wrote, and lives where its `auth` does.
struct Credentials {
  uint32_t given = 0;  // MXD_ATTEMPT_HAS_*
  std::string_view user;
  std::string_view medium;
  std::string_view address;
  std::string_view country;
  std::string_view password;
};

// What the form of a stage's fallback page asks for.
enum class PageForm { kNone, kPassword, kRegistrationToken, kTerms };

// A stage that the specification names (Client-Server API, Authentication types).
struct StageType {
  std::string_view type;
  bool proves_identity;
  PageForm page;
  // U4a: null, or what is missing or of a wrong type in `auth`, whose members are not null.
  const http::ApiError* (*read)(const boost::json::object& auth, Credentials& credentials);
};

// Null: the specification does not name it. Such a stage proves an identity unless the host says
// that it does not, and its data is the host's to judge.
const StageType* find_stage_type(std::string_view type) noexcept;

// What the stage needs, by the table. Null, or U4a.
const http::ApiError* read_credentials(std::string_view type, const boost::json::object& auth,
                                       Credentials& credentials);

// F1: whether there is a fallback page for it.
bool has_page(std::string_view type) noexcept;

}  // namespace mxd::auth
