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

// U2: `null` is as absent, for every member of `auth` and of the objects in it. The depth is that
// of the body, which has a limit.
void drop_nulls(json::object& object) {
  for (auto member = object.begin(); member != object.end();) {
    if (member->value().is_null()) {
      member = object.erase(member);
      continue;
    }
    if (auto* inner = member->value().if_object()) drop_nulls(*inner);
    ++member;
  }
}

// U19: `user` beside a password is an identifier, unless there is one, which wins whole.
void rewrite_old_user(json::object& auth) {
  const auto user = auth.find("user");
  if (user == auth.end() || !user->value().is_string()) return;
  if (!auth.contains("identifier")) {
    json::object identifier(auth.storage());
    identifier.emplace("type", "m.id.user");
    identifier.emplace("user", user->value());
    auth.emplace("identifier", std::move(identifier));
  }
  auth.erase("user");
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
  drop_nulls(auth->get_object());
  bool wrong_type = false;
  request.auth = &auth->get_object();
  request.session = http::find_string(*request.auth, "session", wrong_type);
  request.type = http::find_string(*request.auth, "type", wrong_type);
  if (wrong_type) return &kNotStrings;
  if (request.type == "m.login.password") rewrite_old_user(auth->get_object());
  return request;
}

}  // namespace mxd::auth
