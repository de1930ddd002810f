// texts.json for the tests of the readers.
#pragma once

#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mxd::json_texts {

struct Text {
  std::string name;
  std::string text;
  std::string result;
};

inline std::string part_of(const boost::json::value& part) {
  if (part.is_string()) return std::string(std::string_view(part.get_string()));
  const auto& object = part.as_object();
  std::string text;
  if (const auto* const hex = object.if_contains("hex")) {
    const std::string digits(std::string_view(hex->as_string()));
    for (size_t i = 0; i < digits.size(); i += 2)
      text += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  } else if (const auto* const members = object.if_contains("members")) {
    for (int64_t i = 0; i < members->as_int64(); ++i)
      text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":0";
  } else {
    const std::string_view copy = object.at("repeat").as_string();
    for (int64_t i = 0; i < object.at("times").as_int64(); ++i)
      text += copy;
  }
  return text;
}

inline std::vector<Text> read_texts() {
  std::ifstream file(MXD_JSON_TEXTS);
  std::ostringstream whole;
  if (!file || !(whole << file.rdbuf())) {
    throw std::runtime_error(std::string("cannot be read: ") + MXD_JSON_TEXTS);
  }
  std::vector<Text> texts;
  const auto root = boost::json::parse(whole.str());
  for (const auto& entry : root.at("texts").as_array()) {
    Text text;
    text.name = std::string_view(entry.at("name").as_string());
    for (const auto& part : entry.at("text").as_array())
      text.text += part_of(part);
    text.result = std::string_view(entry.at("result").as_string());
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace mxd::json_texts
