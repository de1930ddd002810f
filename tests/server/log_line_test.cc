#include "bindings/server/operation/log_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "matrix_devices/module.h"

namespace mxd::server {
namespace {

namespace json = boost::json;
using std::chrono::microseconds;

constexpr std::string_view kTime = "2026-01-02T03:04:05.678Z";

// What a line must be: the object as Boost writes it.
std::string line_of(const json::object& object) {
  return json::serialize(object) + "\n";
}

std::string message_of(std::string_view message) {
  return line_of({{"ts", kTime}, {"level", "info"}, {"message", message}});
}

std::string request_of(std::string_view text, std::string_view path) {
  return line_of({{"ts", kTime},
                  {"method", text},
                  {"path", path},
                  {"status", 200},
                  {"bytes", 12},
                  {"duration_us", 34},
                  {"remote_addr", text}});
}

// Bytes that are no ASCII are shown as they would be sent; a query is not shown.
std::string path_of(std::string_view target) {
  std::string path;
  for (const char c : target.substr(0, std::min(target.find('?'), target.find('#')))) {
    const auto byte = static_cast<unsigned char>(c);
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", byte);
    path += byte < 0x80 ? std::string(1, c) : hex;
  }
  return path;
}

void expect_lines_with(std::string_view text) {
  EXPECT_EQ(log_line(kTime, MXD_LOG_INFO, text), message_of(text));
  const std::string target = "/" + std::string(text) + "/end";
  const std::string line =
      log_line(kTime, RequestLine{text, target, 200, 12, microseconds(34), text});
  EXPECT_EQ(line, request_of(text, path_of(target)));
  // Nobody who reads it needs to trust Boost for this: it is one line.
  EXPECT_EQ(std::count_if(line.begin(), line.end(), [](char c) { return c >= 0 && c < ' '; }), 1);
  EXPECT_EQ(line.back(), '\n');
}

TEST(LogLine, EveryByteIsWrittenAsBoostWritesIt) {
  for (int byte = 0; byte < 256; ++byte) {
    SCOPED_TRACE(byte);
    const auto c = static_cast<char>(byte);
    for (const std::string& text :
         {std::string(1, c), std::string("before") + c + "after", std::string(1000, c)}) {
      expect_lines_with(text);
    }
  }
}

TEST(LogLine, EveryPairOfBytesIsWrittenAsBoostWritesIt) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char text[] = {static_cast<char>(first), static_cast<char>(second)};
      expect_lines_with(std::string_view(text, 2));
      if (HasFailure()) FAIL() << "after the bytes " << first << " and " << second;
    }
  }
}

TEST(LogLine, TextsOfAnyLengthAreWhole) {
  expect_lines_with("");
  for (const size_t size : {1u, 7u, 8u, 84u, 85u, 86u, 511u, 512u, 513u, 900u}) {
    SCOPED_TRACE(size);
    expect_lines_with(std::string(size, 'x'));
    expect_lines_with(std::string(size, '\x01'));  // six characters each
    expect_lines_with(std::string(size, 'x') + "\"");
  }
}

TEST(LogLine, NumbersAreWhole) {
  const std::chrono::hours hours(1'000'000);
  RequestLine request{"GET", "/", 599, std::numeric_limits<uint64_t>::max(), {}, "::1"};
  request.duration = hours;
  json::object expected{{"ts", kTime},
                        {"method", "GET"},
                        {"path", "/"},
                        {"status", 599},
                        {"bytes", request.bytes},
                        {"duration_us", hours.count() * 3'600'000'000},
                        {"remote_addr", "::1"}};
  EXPECT_EQ(log_line(kTime, request), line_of(expected));
  request.bytes = request.status = 0;
  request.duration = {};
  expected["status"] = expected["bytes"] = expected["duration_us"] = 0;
  EXPECT_EQ(log_line(kTime, request), line_of(expected));
}

TEST(LogLine, AnAnswerThatWasCutSaysSo) {
  RequestLine request{"GET", "/", 200, 12, microseconds(34), "::1"};
  EXPECT_EQ(json::parse(log_line(kTime, request)).as_object().count("cut"), 0u);
  request.cut = true;
  EXPECT_EQ(json::parse(log_line(kTime, request)).at("cut"), true);
}

TEST(LogLine, AQueryIsNotShown) {
  for (const char* const target : {"/a?access_token=x", "/a#access_token=x", "/a?b#c", "/a#b?c"}) {
    const RequestLine request{"GET", target, 200, 12, microseconds(34), "::1"};
    EXPECT_EQ(json::parse(log_line(kTime, request)).at("path"), "/a") << target;
  }
}

TEST(LogLine, OfALongPathTheBeginningIsShown) {
  const std::string target = "/" + std::string(5000, 'x');
  const RequestLine request{"GET", target, 200, 12, microseconds(34), "::1"};
  EXPECT_EQ(json::parse(log_line(kTime, request)).at("path").as_string(), target.substr(0, 1024));
}

TEST(LogLine, LevelsHaveNames) {
  const std::vector<std::pair<int32_t, std::string_view>> levels{
      {MXD_LOG_DEBUG, "debug"},
      {MXD_LOG_INFO, "info"},
      {MXD_LOG_WARNING, "warning"},
      {MXD_LOG_ERROR, "error"},
      {MXD_LOG_HOST_MISBEHAVING, "host_misbehaving"},
      {99, "error"}};
  for (const auto& [level, name] : levels)
    EXPECT_EQ(json::parse(log_line(kTime, level, "")).at("level").as_string(), name);
}

}  // namespace
}  // namespace mxd::server
