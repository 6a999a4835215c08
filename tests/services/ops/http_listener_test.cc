// Bytes over real sockets: what reaches the handler, what comes back, and what a caller may take.
#include "services/ops/http_listener.h"

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/http.h"

namespace fiscal::services {
namespace {

using testing::Exchange;
using testing::HttpAnswer;
using testing::HttpConnection;
using testing::HttpGet;

HttpListener::Answer Answer(const HttpListener::Request& request) {
  if (request.path == "/other") return {418, "text/x", "t", {{"X-Own", "yes"}}};
  HttpListener::Answer answer;
  answer.body = absl::StrCat(request.method, " [", request.path, "] [", request.query, "] [",
                             request.body, "]");
  return answer;
}

class HttpListenerTest : public ::testing::Test {
 protected:
  void Start(HttpListener::Options options) {
    auto listener = HttpListener::Start("127.0.0.1:0", options, Answer);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  int port() const { return listener_->port(); }

  std::unique_ptr<HttpListener> listener_;
};

TEST_F(HttpListenerTest, TheHandlerGetsWhatWasAskedAndItsAnswerComesBack) {
  Start({});
  EXPECT_EQ(HttpGet(port(), "/a/b?c=d&e").body, "GET [/a/b] [c=d&e] []");
  EXPECT_EQ(HttpGet(port(), "/a?").body, "GET [/a] [] []");
  EXPECT_EQ(HttpGet(port(), "/%41/../b", "DELETE").body, "DELETE [/%41/../b] [] []");
  const HttpAnswer own = HttpGet(port(), "/other");
  EXPECT_EQ(own.status, 418);
  EXPECT_EQ(own.body, "t");
  EXPECT_TRUE(absl::StrContains(own.head, "X-Own: yes")) << own.head;
  EXPECT_TRUE(absl::StrContains(own.head, "Content-Type: text/x")) << own.head;
  EXPECT_TRUE(absl::StrContains(own.head, "Cache-Control: no-store")) << own.head;
}

TEST_F(HttpListenerTest, AHeadHasTheLengthOfWhatGetWouldBring) {
  Start({});
  const HttpAnswer head = HttpGet(port(), "/x", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  const std::string body = "HEAD [/x] [] []";
  EXPECT_TRUE(absl::StrContains(head.head, absl::StrCat("Content-Length: ", body.size())))
      << head.head;
}

TEST_F(HttpListenerTest, AConnectionAsksMoreThanOnce) {
  Start({});
  const std::string answers = Exchange(port(),
                                       "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                       "GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(absl::StrContains(answers, "GET [/1] [] []")) << answers;
  EXPECT_TRUE(absl::StrContains(answers, "GET [/2] [] []")) << answers;
}

TEST_F(HttpListenerTest, WhatIsTooLongOrNoHttpIsNotAnswered) {
  Start({});
  const std::string close = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  EXPECT_EQ(Exchange(port(), absl::StrCat("GET /", std::string(20000, 'x'), close, "\r\n")), "");
  EXPECT_FALSE(absl::StrContains(Exchange(port(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), " 200 "));
  EXPECT_EQ(Exchange(port(), absl::StrCat("POST /", close, "Content-Length: 5\r\n\r\nhello")), "");
  EXPECT_EQ(HttpGet(port(), "/").status, 200);
}

TEST_F(HttpListenerTest, ABodyIsTakenUpToItsBound) {
  HttpListener::Options options;
  options.body_bytes_max = 5;
  Start(options);
  const std::string close = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  EXPECT_TRUE(absl::EndsWith(
      Exchange(port(), absl::StrCat("POST /", close, "Content-Length: 5\r\n\r\nhello")),
      "POST [/] [] [hello]"));
  EXPECT_EQ(Exchange(port(), absl::StrCat("POST /", close, "Content-Length: 6\r\n\r\nhello!")), "");
  EXPECT_EQ(
      Exchange(port(), absl::StrCat("POST /", close,
                                    "Transfer-Encoding: chunked\r\n\r\n6\r\nhello!\r\n0\r\n\r\n")),
      "");
}

TEST_F(HttpListenerTest, WhoIsSilentIsClosed) {
  HttpListener::Options options;
  options.silence_max = absl::Milliseconds(50);
  Start(options);
  HttpConnection nothing(port()), half(port());
  half.Send("GET / HTTP/1.1\r\nHost");
  EXPECT_EQ(nothing.ReadToEnd(), "");
  EXPECT_EQ(half.ReadToEnd(), "");
}

TEST_F(HttpListenerTest, AConnectionAboveTheBoundClosesTheOneThatWasSilentLongest) {
  HttpListener::Options options;
  options.connections_max = 2;
  options.silence_max = absl::Hours(1);
  Start(options);
  HttpConnection first(port());
  EXPECT_EQ(first.Ask("/1").status, 200);
  HttpConnection second(port());
  EXPECT_EQ(second.Ask("/2").status, 200);
  // It speaks: now the second is silent longer.
  EXPECT_EQ(first.Ask("/3").status, 200);
  EXPECT_EQ(HttpGet(port(), "/probe").status, 200);
  EXPECT_EQ(second.ReadToEnd(), "");
  EXPECT_EQ(first.Ask("/4").status, 200);
}

TEST_F(HttpListenerTest, ConnectionsEndWithIt) {
  HttpListener::Options options;
  options.silence_max = absl::Hours(1);
  Start(options);
  HttpConnection open(port());
  EXPECT_EQ(open.Ask("/").status, 200);
  listener_.reset();
  EXPECT_EQ(open.ReadToEnd(), "");
}

TEST(HttpListenerAddressTest, AnAddressIsGoodOrSaysWhy) {
  auto start = [](const std::string& listen) { return HttpListener::Start(listen, {}, Answer); };
  EXPECT_TRUE(absl::IsInvalidArgument(start("127.0.0.1").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(start("127.0.0.1:no-port").status()));
  const auto taken = start("127.0.0.1:0");
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_TRUE(
      absl::IsFailedPrecondition(start(absl::StrCat("127.0.0.1:", (*taken)->port())).status()));
}

}  // namespace
}  // namespace fiscal::services
