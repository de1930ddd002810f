#include "bindings/server/http/request_reader.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

namespace mxd::server {
namespace {

using Got = RequestReader::Got;
using State = RequestParser::State;

constexpr uint64_t kMaxBody = 100;
constexpr std::string_view kFirst = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kSecond =
    "PUT /second HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";

// A reader at one end of a socket, and its client at the other.
class RequestReaderTest : public testing::Test {
 protected:
  RequestReaderTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    socket_ = ends[0];
    client_ = ends[1];
    reader_.begin(kMaxBody);
  }
  ~RequestReaderTest() override {
    ::close(socket_);
    hang_up();
  }

  void send(std::string_view bytes) {
    ASSERT_EQ(::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void hang_up() {
    if (client_ >= 0) ::close(client_);
    client_ = -1;
  }
  Got read() { return reader_.read(socket_, buffer_); }
  State state() const { return reader_.parser().state(); }
  Request request() {
    Request request;
    reader_.fill_in(request);
    return request;
  }
  // The next one, of which something has been kept.
  void begin_kept() {
    reader_.begin(kMaxBody);
    ASSERT_TRUE(reader_.has_unparsed());
    reader_.parse_kept();
    EXPECT_FALSE(reader_.has_unparsed());
  }

  RequestReader reader_;
  std::array<char, 1024> buffer_;
  int socket_ = -1;
  int client_ = -1;
};

TEST_F(RequestReaderTest, NothingHasComeYet) {
  EXPECT_EQ(read(), Got::kNothing);
  EXPECT_EQ(state(), State::kNothing);
}

TEST_F(RequestReaderTest, ARequestOfOneRead) {
  send(kSecond);
  EXPECT_EQ(read(), Got::kSome);
  ASSERT_EQ(state(), State::kComplete);
  EXPECT_FALSE(reader_.has_more());
  EXPECT_EQ(request().method, "PUT");
  EXPECT_EQ(request().target, "/second");
  EXPECT_EQ(request().body, "body");
  EXPECT_EQ(request().headers.size(), 2u);
  EXPECT_FALSE(request().body_too_large);
}

TEST_F(RequestReaderTest, ARequestByteByByte) {
  for (const char& byte : kSecond) {
    EXPECT_NE(state(), State::kComplete);
    send({&byte, 1});
    EXPECT_EQ(read(), Got::kSome);
  }
  ASSERT_EQ(state(), State::kComplete);
  EXPECT_EQ(request().body, "body");
}

TEST_F(RequestReaderTest, WhatComesAfterARequestIsKeptForTheNext) {
  // Cut at each byte: so much of the second comes with the first.
  for (size_t size = 1; size <= kSecond.size(); ++size) {
    SCOPED_TRACE(size);
    send(std::string(kFirst) + std::string(kSecond.substr(0, size)));
    EXPECT_EQ(read(), Got::kSome);
    ASSERT_EQ(state(), State::kComplete);
    EXPECT_EQ(request().target, "/first");
    EXPECT_TRUE(reader_.has_more());
    begin_kept();
    if (size < kSecond.size()) {
      EXPECT_NE(state(), State::kComplete);
      send(kSecond.substr(size));
      EXPECT_EQ(read(), Got::kSome);
    }
    ASSERT_EQ(state(), State::kComplete);
    EXPECT_EQ(request().target, "/second");
    EXPECT_EQ(request().body, "body");
    EXPECT_FALSE(reader_.has_more());
    reader_.begin(kMaxBody);
    EXPECT_FALSE(reader_.has_unparsed());
  }
}

TEST_F(RequestReaderTest, ManyRequestsOfOneReadComeInTurn) {
  std::string all;
  for (int i = 0; i < 20; ++i)
    all.append("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n");
  send(all);
  EXPECT_EQ(read(), Got::kSome);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(state(), State::kComplete);
    EXPECT_EQ(request().target, "/" + std::to_string(i));
    if (i < 19) begin_kept();
  }
  EXPECT_FALSE(reader_.has_more());
}

// The parser leaves what is too short to be told apart from the last chunk; more of it is added.
TEST_F(RequestReaderTest, ChunksThatAreCutAnywhereAreWhole) {
  constexpr std::string_view kChunks =
      "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n";
  for (size_t cut = 1; cut < kChunks.size(); ++cut) {
    SCOPED_TRACE(cut);
    send(kChunks.substr(0, cut));
    EXPECT_EQ(read(), Got::kSome);
    EXPECT_NE(state(), State::kComplete);
    send(std::string(kChunks.substr(cut)) + std::string(kFirst));
    EXPECT_EQ(read(), Got::kSome);
    ASSERT_EQ(state(), State::kComplete);
    EXPECT_EQ(request().body, "abcdefgh");
    begin_kept();
    ASSERT_EQ(state(), State::kComplete);
    EXPECT_EQ(request().target, "/first");
    reader_.begin(kMaxBody);
  }
}

TEST_F(RequestReaderTest, ABodyOverTheLimitIsLeftOut) {
  send("PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'));
  EXPECT_EQ(read(), Got::kSome);
  ASSERT_EQ(state(), State::kTooLarge);
  EXPECT_TRUE(request().body_too_large);
  EXPECT_EQ(request().body, "");
  EXPECT_TRUE(reader_.has_more());
}

TEST_F(RequestReaderTest, AClientWaitsToContinueOnlyBeforeItsBody) {
  send("PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  read();
  ASSERT_EQ(state(), State::kBody);
  EXPECT_TRUE(reader_.waits_to_continue());
  send("x");
  read();
  EXPECT_FALSE(reader_.waits_to_continue());
}

TEST_F(RequestReaderTest, AClientThatHasSentMoreThanItsHeaderDoesNotWait) {
  send(
      "PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3");
  read();
  ASSERT_EQ(state(), State::kBody);
  EXPECT_EQ(reader_.parser().body(), "");
  EXPECT_FALSE(reader_.waits_to_continue());
}

TEST_F(RequestReaderTest, AClientThatHasGoneSendsNoMore) {
  send("GET /cut HTTP/1.1\r\n");
  EXPECT_EQ(read(), Got::kSome);
  hang_up();
  EXPECT_EQ(read(), Got::kEnd);
  EXPECT_NE(state(), State::kComplete);
}

TEST_F(RequestReaderTest, WhatIsDroppedHasALimit) {
  constexpr size_t kLimit = 16 * 1024 * 1024;
  reader_.end();
  EXPECT_EQ(reader_.drop(socket_, buffer_), Got::kNothing);
  const std::string piece(buffer_.size(), 'x');
  for (size_t dropped = 0; dropped < kLimit; dropped += piece.size()) {
    send(piece);
    ASSERT_EQ(reader_.drop(socket_, buffer_), Got::kSome) << dropped;
  }
  send("x");
  EXPECT_EQ(reader_.drop(socket_, buffer_), Got::kEnd);
}

TEST_F(RequestReaderTest, DroppingEndsWithTheClient) {
  reader_.end();
  hang_up();
  EXPECT_EQ(reader_.drop(socket_, buffer_), Got::kEnd);
}

}  // namespace
}  // namespace mxd::server
