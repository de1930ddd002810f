#include "module/auth/uia_request.h"

#include <boost/json/value.hpp>
#include <new>

#include "module/http/json_body.h"

namespace mxd::auth {
namespace {

namespace json = boost::json;
using http::ApiError;

constexpr ApiError kAuthNotAnObject{400, "M_BAD_JSON", "'auth' must be an object."};
constexpr ApiError kNotStrings{400, "M_BAD_JSON",
                               "'auth.session' and 'auth.type' must be strings."};

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

bool has_string(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string();
}

const ApiError* check_password(const json::object& auth) {
  if (!has_string(auth, "password")) return &kNoPassword;
  const auto* identifier = auth.if_contains("identifier");
  if (identifier == nullptr || identifier->is_null()) {
    return has_string(auth, "user") ? nullptr : &kNoIdentifier;  // U19
  }
  const auto* object = identifier->if_object();
  if (object == nullptr || !has_string(*object, "type")) return &kNoIdentifier;
  const std::string_view type = object->at("type").get_string();
  const bool complete =
      type == "m.id.user"         ? has_string(*object, "user")
      : type == "m.id.thirdparty" ? has_string(*object, "medium") && has_string(*object, "address")
      : type == "m.id.phone"      ? has_string(*object, "country") && has_string(*object, "phone")
                                  : true;
  return complete ? nullptr : &kIncompleteIdentifier;
}

}  // namespace

http::Result<UiaRequest> take_auth(memory::Arena& arena, json::object& body) {
  UiaRequest request;
  const auto found = body.find("auth");
  if (found == body.end()) return request;
  // Never destroyed: all that it holds is the arena's.
  auto* auth = new (arena.allocate(sizeof(json::value), alignof(json::value)))
      json::value(std::move(found->value()));
  body.erase(found);
  if (auth->is_null()) return request;
  if (!auth->is_object()) return &kAuthNotAnObject;
  request.auth = &auth->get_object();
  bool wrong_type = false;
  request.session = http::find_string(*request.auth, "session", wrong_type);
  request.type = http::find_string(*request.auth, "type", wrong_type);
  if (wrong_type) return &kNotStrings;
  return request;
}

const ApiError* check_stage_data(const UiaRequest& request) {
  const json::object& auth = *request.auth;
  const std::string_view type = *request.type;
  if (type == "m.login.password") return check_password(auth);
  if (type == "m.login.registration_token") return has_string(auth, "token") ? nullptr : &kNoToken;
  if (type == "m.login.recaptcha") return has_string(auth, "response") ? nullptr : &kNoResponse;
  if (type == "m.login.email.identity" || type == "m.login.msisdn") {
    const auto* credentials = auth.if_contains("threepid_creds");
    return credentials != nullptr && credentials->is_object() ? nullptr : &kNoThreepid;
  }
  return nullptr;
}

}  // namespace mxd::auth
