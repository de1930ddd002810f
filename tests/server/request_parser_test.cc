// Where a request ends, and what is decided from its header.
#include "bindings/server/http/request_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "matrix_devices/module.hpp"

namespace mxd::server {
namespace {

using State = RequestParser::State;
using ::testing::AnyOf;

constexpr uint64_t kMaxBody = 1000;

struct Parsed {
  State state = State::kNothing;
  unsigned status = 0;  // of the refusal
  std::string body;
  std::string names;  // of the headers
  bool keep_alive = false;
  size_t left = 0;  // bytes that were not taken
};

// `step` bytes at a time, with what was not taken coming again.
Parsed parse(std::string_view bytes, size_t step) {
  RequestParser parser(kMaxBody);
  std::string kept;
  const auto goes_on = [&] {
    return parser.state() == State::kNothing || parser.state() == State::kHeader ||
           parser.state() == State::kBody;
  };
  while (!bytes.empty() && goes_on()) {
    kept += bytes.substr(0, step);
    bytes.remove_prefix(std::min(step, bytes.size()));
    kept.erase(0, parser.put(kept));
  }
  Parsed parsed;
  parsed.state = parser.state();
  parsed.left = kept.size() + bytes.size();
  if (parsed.state == State::kRefused) {
    parsed.status = parser.refusal().status;
  } else if (parsed.state == State::kComplete) {
    parsed.body = parser.body();
    parsed.keep_alive = parser.keep_alive();
    for (const mxd_header& header : parser.headers())
      parsed.names.append(text(header.name)).append(" ");
  }
  return parsed;
}

// Whole, byte by byte, and in between: the same.
Parsed parse(std::string_view bytes) {
  const Parsed whole = parse(bytes, bytes.size());
  for (const size_t step : {size_t{1}, size_t{2}, size_t{7}}) {
    const Parsed slow = parse(bytes, step);
    EXPECT_EQ(slow.state, whole.state) << bytes;
    EXPECT_EQ(slow.status, whole.status) << bytes;
    EXPECT_EQ(slow.body, whole.body) << bytes;
    EXPECT_EQ(slow.names, whole.names) << bytes;
    EXPECT_EQ(slow.keep_alive, whole.keep_alive) << bytes;
    if (whole.state != State::kComplete) continue;
    EXPECT_EQ(slow.left, whole.left) << bytes;
  }
  return whole;
}

std::string post(std::string_view fields, std::string_view rest, std::string_view version = "1.1") {
  return "POST / HTTP/" + std::string(version) + "\r\nHost: x\r\n" + std::string(fields) + "\r\n" +
         std::string(rest);
}

void expect_refused(const std::string& bytes, unsigned status) {
  const Parsed parsed = parse(bytes);
  EXPECT_EQ(parsed.state, State::kRefused) << bytes;
  EXPECT_EQ(parsed.status, status) << bytes;
}

TEST(RequestParser, TakesOneRequestAndLeavesTheNext) {
  const std::string next = "GET /next HTTP/1.1\r\n";
  for (const std::string& request :
       {post("", ""), post("Content-Length: 0\r\n", ""), post("Content-Length: 5\r\n", "hello"),
        post("Content-Length: 005\r\n", "hello"),
        post("Transfer-Encoding: chunked\r\n", "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"),
        post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"),
        post("Transfer-Encoding: , chunked,\r\n", "0005\r\nhello\r\n000\r\nA: b\r\n\r\n")}) {
    const Parsed parsed = parse(request + next);
    EXPECT_EQ(parsed.state, State::kComplete) << request;
    EXPECT_THAT(parsed.body, AnyOf("", "hello"));
    EXPECT_EQ(parsed.left, next.size()) << request;
    EXPECT_TRUE(parsed.keep_alive);
  }
}

TEST(RequestParser, O10TrailerFieldsAreDropped) {
  for (const char* const trailer :
       {"Authorization: Bearer x\r\n", "X-Forwarded-For: 192.0.2.1\r\n", "Connection: close\r\n",
        "Host: y\r\n", "Content-Length: 7\r\n", "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n", "no field at all\r\n",
        "A: b\r\nC: d\r\nE: f\r\n"}) {
    const Parsed parsed = parse(post("A: b\r\nTransfer-Encoding: chunked\r\n",
                                     "5\r\nhello\r\n0\r\n" + std::string(trailer) + "\r\nGET"));
    EXPECT_EQ(parsed.state, State::kComplete) << trailer;
    EXPECT_EQ(parsed.names, "Host A Transfer-Encoding ") << trailer;
    EXPECT_EQ(parsed.body, "hello");
    EXPECT_EQ(parsed.left, 3U) << trailer;
    EXPECT_TRUE(parsed.keep_alive) << trailer;
  }
}

TEST(RequestParser, O11HasOneHost) {
  expect_refused("GET / HTTP/1.1\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nhost: x\r\nA: b\r\nHOST: y\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400);
  expect_refused("GET http://x/ HTTP/1.1\r\n\r\n", 400);
  for (const char* const host : {"a b", "a/b", "a@b", "x\\y", "\"x\"", "x\xC3\xA9", "<x>"}) {
    expect_refused("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n", 400);
  }
  for (const char* const request : {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n",
                                    "GET / HTTP/1.1\r\nHost: my_host.example:8448\r\n\r\n",
                                    "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n"}) {
    EXPECT_EQ(parse(request).state, State::kComplete) << request;
  }
}

TEST(RequestParser, O11EmptyLinesBeforeARequestArePassedOver) {
  for (const char* const lines : {"\r\n", "\r\n\r\n\r\n", "\n", "\n\r\n"}) {
    const Parsed parsed = parse(std::string(lines) + post("Content-Length: 2\r\n", "{}"));
    EXPECT_EQ(parsed.state, State::kComplete);
    EXPECT_EQ(parsed.body, "{}");
    EXPECT_EQ(parse(lines).state, State::kNothing) << "and are no request";
  }
  expect_refused("\r" + post("", ""), 400);
  expect_refused(" \r\n" + post("", ""), 400);
}

TEST(RequestParser, ALengthIsOneNumber) {
  for (const char* const length :
       {"", "+5", "-5", "5, 5", "5,5", "5,", ",5", "0x5", "5 5", "5.0", "5e0", "\"5\"", "5;a",
        "five", "99999999999999999999999", "\xD9\xA5"}) {
    expect_refused(post("Content-Length: " + std::string(length) + "\r\n", "hello"), 400);
  }
  expect_refused(post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400);
  expect_refused(post("Content-Length: 5\r\ncontent-length: 6\r\n", "hello"), 400);
  const std::string chunks = "5\r\nhello\r\n0\r\n\r\n";
  for (const char* const version : {"1.0", "1.1"}) {
    expect_refused(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunks, version),
                   400);
    expect_refused(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunks, version),
                   400);
    expect_refused(post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "hello", version), 400);
  }
}

TEST(RequestParser, OfTransferCodingsOnlyChunkedIsKnown) {
  for (const char* const codings : {"gzip", "identity", "gzip, chunked", "chunked, gzip",
                                    "xchunked", "chunked2", "chunked;q=1"}) {
    expect_refused(post("Transfer-Encoding: " + std::string(codings) + "\r\n", "0\r\n\r\n"), 501);
  }
  for (const char* const codings : {"", ",", "chunked, chunked"}) {
    expect_refused(post("Transfer-Encoding: " + std::string(codings) + "\r\n", "0\r\n\r\n"), 400);
  }
  expect_refused(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", ""), 400);
}

TEST(RequestParser, ChunksOfHttp10AreTheLastOfTheirConnection) {
  const std::string chunks = "5\r\nhello\r\n0\r\n\r\n";
  const std::string keep = "Connection: keep-alive\r\n";
  const Parsed parsed = parse(post(keep + "Transfer-Encoding: chunked\r\n", chunks, "1.0"));
  EXPECT_EQ(parsed.state, State::kComplete);
  EXPECT_EQ(parsed.body, "hello");
  EXPECT_FALSE(parsed.keep_alive);
  EXPECT_TRUE(parse(post(keep + "Content-Length: 0\r\n", "", "1.0")).keep_alive);
  EXPECT_FALSE(parse(post("", "", "1.0")).keep_alive);
}

TEST(RequestParser, MalformedChunksAreRefused) {
  for (const char* const chunks :
       {"zz\r\n", "-1\r\n", "+5\r\nhello\r\n", "0x5\r\nhello\r\n", " 5\r\nhello\r\n", "\r\n",
        "5\nhello\n", "4\r\nhello\r\n0\r\n\r\n", "fffffffffffffffff\r\n"}) {
    const std::string rest = "\r\n0\r\n\r\n";
    expect_refused(post("Transfer-Encoding: chunked\r\n", chunks + rest), 400);
  }
}

TEST(RequestParser, ABodyOverTheLimitIsNotKept) {
  EXPECT_EQ(parse(post("Content-Length: 1000\r\n", std::string(1000, 'x'))).state,
            State::kComplete);
  EXPECT_EQ(parse(post("Content-Length: 1001\r\n", "")).state, State::kTooLarge);
  EXPECT_EQ(parse(post("Content-Length: 18446744073709551615\r\n", "")).state, State::kTooLarge);
  const std::string chunk = "1f4\r\n" + std::string(500, 'x') + "\r\n";
  EXPECT_EQ(parse(post("Transfer-Encoding: chunked\r\n", chunk + chunk + "0\r\n\r\n")).state,
            State::kComplete);
  EXPECT_EQ(parse(post("Transfer-Encoding: chunked\r\n", chunk + chunk + "1\r\n")).state,
            State::kTooLarge);
  EXPECT_EQ(parse(post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n")).state,
            State::kTooLarge);
}

TEST(RequestParser, WhatHasNoEndIsRefused) {
  const std::string long_text(40'000, 'x');
  expect_refused("GET /" + long_text, 431);
  expect_refused(post("X: " + long_text, ""), 431);
  std::string fields;
  for (int i = 0; i < 10'000; ++i)
    fields += "X: y\r\n";
  expect_refused("GET / HTTP/1.1\r\n" + fields, 431);
  expect_refused(post("Transfer-Encoding: chunked\r\n", "5;" + long_text), 400);
  expect_refused(post("Transfer-Encoding: chunked\r\n", "0\r\n" + fields), 400);
}

}  // namespace
}  // namespace mxd::server
