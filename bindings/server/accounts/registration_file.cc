#include "bindings/server/accounts/registration_file.h"

#include <re2/re2.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace mxd::server {
namespace {

// One file while it is read: says which key of it is wrong.
class Reader {
 public:
  Reader(const YAML::Node& root, std::string path) : root_(root), path_(std::move(path)) {
    if (!root_.IsMap()) fail("", "is no registration: the file must be a YAML mapping");
  }

  [[noreturn]] void fail(const std::string& key, const std::string& what) const {
    throw std::runtime_error("registration file " + path_ + ": " +
                             (key.empty() ? what : "\"" + key + "\" " + what));
  }

  YAML::Node child(const YAML::Node& parent, const std::string& key) const {
    return parent[key];  // a const node does not grow by asking
  }

  std::string required_text(const std::string& key) const {
    const YAML::Node node = child(root_, key);
    if (!node) fail(key, "is missing");
    if (!node.IsScalar() || node.Scalar().empty()) fail(key, "must be a text that is not empty");
    return node.Scalar();
  }

  bool flag(const YAML::Node& node, const std::string& key) const {
    bool value = false;
    if (!node.IsScalar() || !YAML::convert<bool>::decode(node, value)) {
      fail(key, "must be true or false");
    }
    return value;
  }

  const YAML::Node& root() const { return root_; }

 private:
  const YAML::Node root_;
  const std::string path_;
};

UserNamespace read_namespace(const Reader& reader, const YAML::Node& node, const std::string& key) {
  if (!node.IsMap()) reader.fail(key, "must be a mapping with \"exclusive\" and \"regex\"");
  UserNamespace space;
  const YAML::Node exclusive = reader.child(node, "exclusive");
  if (!exclusive) reader.fail(key + ".exclusive", "is missing");
  space.exclusive = reader.flag(exclusive, key + ".exclusive");
  const YAML::Node regex = reader.child(node, "regex");
  if (!regex) reader.fail(key + ".regex", "is missing");
  if (!regex.IsScalar()) reader.fail(key + ".regex", "must be a text");
  space.regex = regex.Scalar();
  auto compiled = std::make_shared<RE2>(space.regex, RE2::Quiet);
  if (!compiled->ok()) {
    reader.fail(key + ".regex", "is " + space.regex +
                                    ", which RE2 can't take: " + compiled->error() +
                                    ". Write it without look-ahead and the like");
  }
  space.compiled = std::move(compiled);
  return space;
}

// rooms and aliases mean nothing here, but a file in which they are wrong is wrong everywhere.
void read_namespaces(const Reader& reader, Registration& registration) {
  const YAML::Node namespaces = reader.child(reader.root(), "namespaces");
  if (!namespaces) reader.fail("namespaces", "is missing");
  if (!namespaces.IsMap()) {
    reader.fail("namespaces", "must be a mapping of \"users\", \"rooms\", \"aliases\"");
  }
  for (const std::string kind : {"users", "rooms", "aliases"}) {
    const YAML::Node list = reader.child(namespaces, kind);
    const std::string key = "namespaces." + kind;
    if (!list || list.IsNull()) continue;
    if (!list.IsSequence()) reader.fail(key, "must be a list");
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string entry_key = key + "[" + std::to_string(i) + "]";
      UserNamespace space = read_namespace(reader, list[i], entry_key);
      if (kind == "users") registration.users.push_back(std::move(space));
    }
  }
}

}  // namespace

bool Registration::manages(std::string_view user_id, std::string_view server_name) const {
  const std::string sender = "@" + sender_localpart + ":" + std::string(server_name);
  if (user_id == sender) return true;
  for (const UserNamespace& space : users) {
    // From the start, and not to the end: "@irc_" covers "@irc_a". accounts.md, T9
    if (space.compiled->Match(re2::StringPiece(user_id.data(), user_id.size()), 0, user_id.size(),
                              RE2::ANCHOR_START, nullptr, 0)) {
      return true;
    }
  }
  return false;
}

Registration read_registration(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw std::runtime_error("registration file " + path + ": cannot be read");
  }
  return parse_registration(text.str(), path);
}

Registration parse_registration(const std::string& yaml, const std::string& path) {
  YAML::Node root;
  try {
    root = YAML::Load(yaml);
  } catch (const YAML::Exception& error) {
    // The library's message may quote the line, and with it a token: only the place is passed on.
    throw std::runtime_error("registration file " + path + ": no YAML at line " +
                             std::to_string(error.mark.line + 1) + ", column " +
                             std::to_string(error.mark.column + 1));
  }
  const Reader reader(root, path);
  Registration registration;
  registration.id = reader.required_text("id");
  registration.as_token = reader.required_text("as_token");
  reader.required_text("hs_token");
  registration.sender_localpart = reader.required_text("sender_localpart");
  const YAML::Node url = reader.child(reader.root(), "url");
  if (!url) reader.fail("url", "is missing; write null for a service that is not pushed to");
  if (!url.IsNull() && !url.IsScalar()) reader.fail("url", "must be a text or null");
  const YAML::Node rate_limited = reader.child(reader.root(), "rate_limited");
  if (rate_limited && !rate_limited.IsNull()) {
    registration.rate_limited = reader.flag(rate_limited, "rate_limited");
  }
  read_namespaces(reader, registration);
  return registration;
}

}  // namespace mxd::server
