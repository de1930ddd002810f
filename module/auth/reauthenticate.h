#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "module/async/task.h"
#include "module/auth/session.h"
#include "module/auth/uia_request.h"
#include "module/host/exchange.h"

namespace mxd::auth {

// What a user is to prove who they are for. Text lives in the request's arena, or is constant.
struct Operation {
  Subject subject;
  const boost::json::object* body = nullptr;  // without `auth`
  // U8: the body holds nothing but `auth`, so that of the session counts, if there is one.
  bool takes_kept_body = false;
  // Why the body will not do as it is, or null: then it must be the session's. D7.
  const http::ApiError* body_error = nullptr;
  std::string_view description;  // for a person
};

// User-Interactive Authentication, whole: rows U1 to U27. The result is the body that the user has
// proved who they are for: `operation.body`, or the one kept in the session (U8).
async::Task<http::Result<const boost::json::object*>> reauthenticate(host::Exchange& exchange,
                                                                     Operation operation,
                                                                     UiaRequest request);

}  // namespace mxd::auth
