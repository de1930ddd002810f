#include "bindings/server/configuration_schema.h"

#include <boost/json.hpp>
#include <functional>
#include <string_view>
#include <vector>

#include "abi/config/settings.h"
#include "bindings/server/settings_list.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

// As the readers have them: no white space and no control characters (of ASCII).
constexpr const char* kUrl = R"(^https?://[^\u0000-\u0020\u007f]*$)";
constexpr const char* kVisible = R"(^[^\u0000-\u0020\u007f]+$)";
constexpr const char* kPathSegment = R"(^[^\u0000-\u0020\u007f/?#%]+$)";
constexpr const char* kDuration =
    "^(0|([0-9]+d)?(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|ms|s|m|h))*)$";

json::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

std::string duration_text(std::chrono::milliseconds duration) {
  const auto days = std::chrono::duration_cast<std::chrono::days>(duration);
  if (days.count() > 0 && days == duration) return std::to_string(days.count()) + "d";
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + "s";
}

// Makes the schema of one object from its settings: a visitor of them.
class Properties {
 public:
  void boolean(std::string_view name, bool value, const char* description) {
    add(name, description, {{"type", "boolean"}, {"default", value}});
  }

  template <class Integer>
  void integer(std::string_view name, Integer value, int64_t least, int64_t most,
               const char* description) {
    add(name, description,
        {{"type", "integer"}, {"minimum", least}, {"maximum", most}, {"default", value}});
  }

  void url(std::string_view name, const std::string&, const char* description) {
    add(name, description, {{"type", "string"}, {"pattern", kUrl}});
  }

  void text(std::string_view name, const std::string& value, const char* description) {
    add(name, description, {{"type", "string"}, {"default", value}});
  }

  // A schema counts code points, and none of them is less than a byte.
  void text(std::string_view name, const std::string&, size_t most, const char* description) {
    add(name, description, {{"type", "string"}, {"pattern", kVisible}, {"maxLength", most}});
  }

  void ignored_text(std::string_view name, const char* description) {
    add(name, description, {{"type", "string"}});
  }

  void duration(std::string_view name, std::chrono::milliseconds value, const char* description) {
    add(name, description,
        {{"type", "string"},
         {"pattern", kDuration},
         {"minLength", 1},
         {"default", duration_text(value)}});
  }

  template <class Choice>
  void choice(std::string_view name, Choice value, std::string_view first, std::string_view second,
              const char* description) {
    add(name, description,
        {{"enum", json::array{view(first), view(second)}},
         {"default", view(value == Choice{} ? first : second)}});
  }

  void versions(std::string_view name, const std::vector<std::string>& value,
                const char* description) {
    const json::object item{{"type", "string"}, {"pattern", kPathSegment}};
    add(name, description,
        {{"type", "array"},
         {"items", item},
         {"minItems", 1},
         {"maxItems", 16},
         {"default", json::value_from(value)}});
  }

  void object(std::string_view name, const char* description,
              const std::function<void(Properties&)>& visit) {
    Properties inner;
    visit(inner);
    add(name, description, std::move(inner).schema());
  }

  void limit(std::string_view name, config::Limit limit, const char* description) {
    object(name, description, [&](Properties& members) {
      config::visit_bucket(members, limit.burst, limit.interval_ms);
    });
  }

  void limit(std::string_view name, const LimitSetting& limit, const char* description) {
    this->limit(name, config::Limit{limit.burst, limit.interval.count()}, description);
  }

  // What is not listed is refused.
  json::object schema() && {
    return {{"type", "object"},
            {"properties", std::move(properties_)},
            {"additionalProperties", false}};
  }

 private:
  void add(std::string_view name, const char* description, const json::object& schema) {
    json::object& property = properties_[view(name)].emplace_object();
    property["description"] = description;
    property.insert(schema.begin(), schema.end());
  }

  json::object properties_;
};

// Boost.JSON writes without white space only.
void indent(std::string& out, const json::value& value, size_t depth) {
  const json::object* const object = value.if_object();
  if (object == nullptr || object->empty()) {
    out += json::serialize(value);
    return;
  }
  std::string_view before = "{\n";
  for (const auto& [key, member] : *object) {
    out += before;
    out += std::string(2 * (depth + 1), ' ') + json::serialize(key) + ": ";
    indent(out, member, depth + 1);
    before = ",\n";
  }
  out += "\n" + std::string(2 * depth, ' ') + "}";
}

}  // namespace

std::string configuration_schema() {
  config::Config module;
  Settings settings;
  Properties all;
  all.object("server", kServerDescription,
             [&](Properties& server) { visit_settings(server, settings); });
  module.unknown_fields_null = kUnknownFields == std::string_view("null");
  config::visit_settings(all, module);
  json::object schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                      {"title", "Settings of matrix-devices-server"}};
  for (auto& [key, value] : std::move(all).schema())
    schema[key] = std::move(value);
  std::string text;
  indent(text, schema, 0);
  return text;
}

}  // namespace mxd::server
