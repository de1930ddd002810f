#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <functional>

#include "module/config/config.h"
#include "module/http/json_parser.h"
#include "module/http/text.h"
#include "module/memory/arena.h"

namespace mxd::config {
namespace {

namespace json = boost::json;

// Without white space and control characters.
bool is_visible(std::string_view text) {
  return text.find(' ') == text.npos && !http::has_control_characters(text);
}

// Reads the members of one object, each at most once, and complains about the first that is wrong
// and about those that nobody has read: a visitor of the settings.
class Reader {
 public:
  Reader(const json::object& object, std::string path, std::string& error)
      : object_(object), path_(std::move(path)), error_(error) {}

  void boolean(std::string_view name, bool& out, const char*) {
    if (const auto* value = take(name)) {
      if (value->is_bool()) {
        out = value->get_bool();
      } else {
        fail(name, "must be true or false");
      }
    }
  }

  template <class Integer>
  void integer(std::string_view name, Integer& out, int64_t least, int64_t most, const char*) {
    if (const auto* value = take(name)) {
      if (value->is_int64() && value->get_int64() >= least && value->get_int64() <= most) {
        out = static_cast<Integer>(value->get_int64());
      } else {
        fail(name, http::concatenate({"must be a whole number from ", std::to_string(least), " to ",
                                      std::to_string(most)}));
      }
    }
  }

  void url(std::string_view name, std::string& out, const char*) {
    if (const auto* value = take(name)) {
      const auto* text = value->if_string();
      if (text != nullptr && (text->starts_with("https://") || text->starts_with("http://")) &&
          is_visible(*text)) {
        out = std::string_view(*text);
      } else {
        fail(name, "must be an http:// or https:// URL");
      }
    }
  }

  // 1 to `most` bytes, without white space and control characters.
  void text(std::string_view name, std::string& out, size_t most, const char*) {
    if (const auto* value = take(name)) {
      const auto* text = value->if_string();
      if (text != nullptr && !text->empty() && text->size() <= most && is_visible(*text)) {
        out = std::string_view(*text);
      } else {
        fail(name, http::concatenate({"must be a text of 1 to ", std::to_string(most),
                                      " bytes without white space"}));
      }
    }
  }

  void ignored_text(std::string_view name, const char*) {
    const auto* value = take(name);
    if (value != nullptr && !value->is_string()) fail(name, "must be a string");
  }

  template <class Choice>
  void choice(std::string_view name, Choice& out, std::string_view first, std::string_view second,
              const char*) {
    if (const auto* value = take(name)) {
      const auto* text = value->if_string();
      if (text != nullptr && (*text == first || *text == second)) {
        out = static_cast<Choice>(*text == second);
      } else {
        fail(name, http::concatenate({"must be \"", first, "\" or \"", second, "\""}));
      }
    }
  }

  void versions(std::string_view name, std::vector<std::string>& out, const char*) {
    const auto* value = take(name);
    if (value == nullptr) return;
    const auto* list = value->if_array();
    bool good = list != nullptr && !list->empty() && list->size() <= 16;
    std::vector<std::string> versions;
    for (size_t i = 0; good && i < list->size(); ++i) {
      const auto* text = (*list)[i].if_string();
      good = text != nullptr && !text->empty() &&
             std::string_view(*text).find_first_of("/?#%") == text->npos && is_visible(*text);
      if (good) versions.emplace_back(std::string_view(*text));
    }
    if (!good) {
      fail(name, "must be a list of 1 to 16 path segments, such as [\"v3\", \"r0\"]");
      return;
    }
    out = std::move(versions);
  }

  void object(std::string_view name, const char*, const std::function<void(Reader&)>& read) {
    if (const auto* value = take(name)) {
      if (!value->is_object()) {
        fail(name, "must be an object");
        return;
      }
      Reader inner(value->get_object(), path_of(name), error_);
      read(inner);
      inner.refuse_unknown();
    }
  }

  void limit(std::string_view name, Limit& out, const char* description) {
    object(name, description,
           [&out](Reader& reader) { visit_bucket(reader, out.burst, out.interval_ms); });
  }

  void refuse_unknown() {
    if (!error_.empty()) return;
    for (const auto& member : object_) {
      const std::string_view name = member.key();
      bool known = false;
      for (const auto candidate : known_)
        known = known || candidate == name;
      if (known) continue;
      std::string allowed;
      for (const auto candidate : known_) {
        if (!allowed.empty()) allowed += ", ";
        allowed += candidate;
      }
      fail(name, http::concatenate({"is not a known key; known here: ", allowed}));
      return;
    }
  }

 private:
  const json::value* take(std::string_view name) {
    known_.push_back(name);
    return error_.empty() ? object_.if_contains(name) : nullptr;
  }
  std::string path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : http::concatenate({path_, ".", name});
  }
  void fail(std::string_view name, std::string_view rule) {
    // Quoted as JSON: a key may hold anything, and this is one line.
    error_ = http::concatenate({"configuration: ", json::serialize(path_of(name)), " ", rule});
  }

  const json::object& object_;
  std::string path_;
  std::string& error_;
  std::vector<std::string_view> known_;
};

}  // namespace

bool parse(std::string_view text, Config& config, std::string& error) {
  if (text.find_first_not_of(" \t\r\n") == text.npos) return true;
  memory::Arena arena;
  const auto parsed = http::parse_json(arena, text, http::JsonLimits());
  if (parsed.value == nullptr && parsed.fault == http::JsonFault::kKeyTwice) {
    error = "configuration: a key is given twice in one object; give it once";
    return false;
  }
  if (parsed.value == nullptr || !parsed.value->is_object()) {
    error = "configuration: not a JSON object; an empty text gives the defaults";
    return false;
  }
  Reader reader(parsed.value->get_object(), "", error);
  visit_settings(reader, config);
  reader.refuse_unknown();
  return error.empty();
}

}  // namespace mxd::config
