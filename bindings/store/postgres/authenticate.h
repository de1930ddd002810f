// Whose token is this?
#ifndef MXD_BINDINGS_STORE_POSTGRES_AUTHENTICATE_H
#define MXD_BINDINGS_STORE_POSTGRES_AUTHENTICATE_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bindings/store/common/random_text.h"
#include "bindings/store/postgres/store.h"
#include "matrix_devices/module.h"

namespace mxd::store::postgres {

struct Authenticated {
  mxd_principal principal;  // its views are good for the call
  bool is_suspended;
};

// Somebody who wants to know, and what the question is asked with.
class Authentication {
 public:
  // `given`: good until finish().
  Authentication(Store& of, const mxd_credentials& given) : store(of), credentials(given) {}
  Authentication(const Authentication&) = delete;
  Authentication& operator=(const Authentication&) = delete;
  virtual ~Authentication() = default;

  // Once before finish(MXD_OK).
  virtual void found(const Authenticated& found) = 0;

  // Once, now or later, on any thread: OK or one of the refusals of `authenticate` in module.h.
  virtual void finish(int32_t status) noexcept = 0;

  Store& store;
  const mxd_credentials& credentials;
  Digest digest{};                    // of the token
  std::optional<std::string> family;  // the name of the one that it says it is of
};

// Asks; what it throws is the answer. A pair of tokens that is used for the first time ends the one
// that it replaces before finish() is called. Last seen is noted.
void authenticate(const std::shared_ptr<Authentication>& authentication);

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_AUTHENTICATE_H
