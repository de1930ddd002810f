#include "module/auth/stage_types.h"

#include <algorithm>
#include <iterator>

#include "matrix_devices/module.h"

namespace mxd::auth {
namespace {

namespace json = boost::json;
using http::ApiError;

constexpr ApiError kNoPassword{400, "M_BAD_JSON",
                               "m.login.password needs 'password', a string, in 'auth'."};
constexpr ApiError kNoIdentifier{
    400, "M_BAD_JSON",
    "m.login.password needs 'identifier' in 'auth': an object with a 'type', such as "
    R"({"type":"m.id.user","user":"alice"}.)"};
constexpr ApiError kIncompleteIdentifier{
    400, "M_BAD_JSON",
    "The 'identifier' lacks what its type needs, as strings: 'user' for m.id.user, 'medium' and "
    "'address' for m.id.thirdparty, 'country' and 'phone' for m.id.phone."};
constexpr ApiError kNoToken{400, "M_BAD_JSON",
                            "m.login.registration_token needs 'token', a string, in 'auth'."};
constexpr ApiError kNoResponse{400, "M_BAD_JSON",
                               "m.login.recaptcha needs 'response', a string, in 'auth'."};
constexpr ApiError kNoThreepid{
    400, "M_BAD_JSON",
    "m.login.email.identity and m.login.msisdn need 'threepid_creds', an object, in 'auth'."};

bool read_string(const json::object& object, std::string_view name, std::string_view& out) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return false;
  out = value->get_string();
  return true;
}

const ApiError* read_identifier(const json::object& identifier, Credentials& credentials) {
  std::string_view type;
  if (!read_string(identifier, "type", type)) return &kNoIdentifier;
  if (type == "m.id.user") {
    if (!read_string(identifier, "user", credentials.user)) return &kIncompleteIdentifier;
    credentials.given |= MXD_ATTEMPT_HAS_USER;
  } else if (type == "m.id.thirdparty") {
    if (!read_string(identifier, "medium", credentials.medium) ||
        !read_string(identifier, "address", credentials.address)) {
      return &kIncompleteIdentifier;
    }
    credentials.given |= MXD_ATTEMPT_HAS_THIRDPARTY;
  } else if (type == "m.id.phone") {
    if (!read_string(identifier, "country", credentials.country) ||
        !read_string(identifier, "phone", credentials.address)) {
      return &kIncompleteIdentifier;
    }
    credentials.medium = "msisdn";
    credentials.given |= MXD_ATTEMPT_HAS_THIRDPARTY | MXD_ATTEMPT_HAS_COUNTRY;
  }
  return nullptr;
}

const ApiError* read_password(const json::object& auth, Credentials& credentials) {
  if (!read_string(auth, "password", credentials.password)) return &kNoPassword;
  credentials.given |= MXD_ATTEMPT_HAS_PASSWORD;
  const auto* identifier = auth.if_contains("identifier");
  const auto* object = identifier == nullptr ? nullptr : identifier->if_object();
  return object == nullptr ? &kNoIdentifier : read_identifier(*object, credentials);
}

const ApiError* read_registration_token(const json::object& auth, Credentials&) {
  std::string_view token;
  return read_string(auth, "token", token) ? nullptr : &kNoToken;
}

const ApiError* read_captcha(const json::object& auth, Credentials&) {
  std::string_view response;
  return read_string(auth, "response", response) ? nullptr : &kNoResponse;
}

const ApiError* read_third_party(const json::object& auth, Credentials&) {
  const auto* credentials = auth.if_contains("threepid_creds");
  return credentials != nullptr && credentials->is_object() ? nullptr : &kNoThreepid;
}

const ApiError* read_nothing(const json::object&, Credentials&) {
  return nullptr;
}

constexpr StageType kStageTypes[] = {
    {"m.login.password", true, PageForm::kPassword, read_password},
    {"m.login.recaptcha", false, PageForm::kNone, read_captcha},
    {"m.login.sso", true, PageForm::kNone, read_nothing},
    {"m.login.email.identity", true, PageForm::kNone, read_third_party},
    {"m.login.msisdn", true, PageForm::kNone, read_third_party},
    {"m.login.dummy", false, PageForm::kNone, read_nothing},
    {"m.login.registration_token", false, PageForm::kRegistrationToken, read_registration_token},
    {"m.login.terms", false, PageForm::kTerms, read_nothing},
};

}  // namespace

const StageType* find_stage_type(std::string_view type) noexcept {
  const auto* const found = std::find_if(std::begin(kStageTypes), std::end(kStageTypes),
                                         [type](const StageType& row) { return row.type == type; });
  return found == std::end(kStageTypes) ? nullptr : found;
}

const ApiError* read_credentials(std::string_view type, const json::object& auth,
                                 Credentials& credentials) {
  const StageType* known = find_stage_type(type);
  return known == nullptr ? nullptr : known->read(auth, credentials);
}

bool has_page(std::string_view type) noexcept {
  const StageType* known = find_stage_type(type);
  return known != nullptr && known->page != PageForm::kNone;
}

}  // namespace mxd::auth
