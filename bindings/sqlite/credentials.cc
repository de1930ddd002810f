#include "bindings/sqlite/credentials.h"

#include <sodium.h>

#include <boost/json/memory_resource.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <new>

#include "bindings/common/json_reader.h"

namespace mxd::sqlite {
namespace {

namespace json = boost::json;

// The module's own, which may be set so high, were kept before this is asked.
constexpr common::JsonLimits kLimits{256, 1024};

// The parsed object holds the password: its memory is wiped before it goes back.
class WipingResource : public json::memory_resource {
  void* do_allocate(size_t bytes, size_t alignment) override {
    return ::operator new(bytes, std::align_val_t(alignment));
  }
  void do_deallocate(void* memory, size_t bytes, size_t alignment) override {
    sodium_memzero(memory, bytes);
    ::operator delete(memory, std::align_val_t(alignment));
  }
  bool do_is_equal(const json::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

const json::string* string_member(const json::object& object, json::string_view name) {
  const json::value* const member = object.if_contains(name);
  return member == nullptr ? nullptr : member->if_string();
}

std::string lower_case(std::string_view address) {
  std::string lowered(address);
  for (char& c : lowered) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lowered;
}

std::string digits_of(std::string_view number) {
  std::string digits;
  for (const char c : number) {
    if (c >= '0' && c <= '9') digits += c;
  }
  return digits;
}

const char* parse_identifier(const json::object& identifier, PasswordCredentials& out) {
  const json::string* const type = string_member(identifier, "type");
  if (type == nullptr) return "auth.identifier.type must be a string";
  if (*type == "m.id.user") {
    const json::string* const user = string_member(identifier, "user");
    if (user == nullptr) return "auth.identifier.user must be a string";
    out.user = std::string_view(*user);
    return nullptr;
  }
  if (*type == "m.id.thirdparty") {
    const json::string* const medium = string_member(identifier, "medium");
    const json::string* const address = string_member(identifier, "address");
    if (medium == nullptr || address == nullptr) {
      return "auth.identifier.medium and auth.identifier.address must be strings";
    }
    out.medium = std::string_view(*medium);
    out.address = out.medium == "msisdn" ? digits_of(*address) : lower_case(*address);
    return nullptr;
  }
  if (*type == "m.id.phone") {
    const json::string* const phone = string_member(identifier, "phone");
    if (phone == nullptr || string_member(identifier, "country") == nullptr) {
      return "auth.identifier.country and auth.identifier.phone must be strings";
    }
    out.medium = "msisdn";
    out.address = digits_of(*phone);  // only numbers in international form are found
    return nullptr;
  }
  return "auth.identifier.type must be m.id.user, m.id.thirdparty or m.id.phone";
}

}  // namespace

const char* parse_password_credentials(std::string_view auth_json, PasswordCredentials& out) {
  WipingResource memory;
  const common::ReadObject read = common::read_json_object(auth_json, &memory, kLimits);
  if (read.fault) return "auth must be a JSON object of few members, nested not too deep";
  const json::object& auth = read.object;
  const json::string* const password = string_member(auth, "password");
  if (password == nullptr) return "auth.password must be a string";
  if (const json::value* const identifier = auth.if_contains("identifier")) {
    const json::object* const object = identifier->if_object();
    if (object == nullptr) return "auth.identifier must be an object";
    const char* const reason = parse_identifier(*object, out);
    if (reason != nullptr) return reason;
  } else if (const json::string* const user = string_member(auth, "user")) {
    out.user = std::string_view(*user);
  } else {
    return "auth.identifier must be an object that names the user";
  }
  out.password = std::make_shared<const Secret>(*password);
  return nullptr;
}

}  // namespace mxd::sqlite
