// HTTP/1.1 on one connection, over memory: no pool, no call.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "http_calls.h"

namespace creche::http {
namespace {

using creche::test::MemoryTransport;
using creche::test::TestLoop;
using test::Get;

struct H1 : private Exchange::Listener, private Connection::Owner {
  explicit H1(Request r = Get("http://host/path")) : request(std::move(r)) {
    request.defaults = &session;
    auto made = test::Opened(loop.get());
    wire = made.get();
    connection = std::make_unique<H1Connection>(io, std::move(made));
    connection->set_owner(this);
  }
  void Start() {
    attempt = {};
    ended = false;
    heads = received = 0;
    body = {};
    error = {};
    exchange = connection->Open(&request, &head, &attempt, this);
    exchange->Start();
  }
  void Answer(const char* text) { wire->Feed(text); }
  std::string Body() { return std::string(body.bytes().view()); }

  Ref<TestLoop> loop = TestLoop::Open();
  Counters counters;
  const RequestDefaults session;
  IoContext io{*loop, counters, session};
  Request request;
  ResponseHead head;
  Attempt attempt;
  WholeBody body;
  StreamBody stream;
  bool streams = false, unwanted = false;
  MemoryTransport* wire = nullptr;
  std::unique_ptr<H1Connection> connection;
  Exchange* exchange = nullptr;
  int heads = 0, received = 0, pulls = 0, sents = 0, changes = 0;
  bool ended = false;
  ErrorRef error;

 private:
  BodySink* OnHead(bool) noexcept override {
    heads++;
    if (unwanted) return nullptr;
    if (streams) return &stream;
    body.Prepare(nullptr, 1 << 20);
    return &body;
  }
  bool OnReceived() noexcept override {
    received++;
    return true;
  }
  bool OnPull(uint64_t) noexcept override {
    pulls++;
    return true;
  }
  bool OnSent() noexcept override {
    sents++;
    return true;
  }
  void OnEnd(ErrorRef why) noexcept override {
    EXPECT_FALSE(ended);
    ended = true;
    error = std::move(why);
  }
  void OnChanged() noexcept override { changes++; }
};

TEST(H1Test, OneAfterTheOther) {
  H1 h;
  EXPECT_EQ(h.connection->capacity(), 1u);
  for (int i = 1; i <= 2; i++) {
    h.Start();
    EXPECT_EQ(h.wire->TakeWritten(), "GET /path HTTP/1.1\r\nHost: host\r\nAccept: */*\r\n\r\n");
    EXPECT_EQ(h.wire->writes, i);
    EXPECT_EQ(h.attempt.phase, Phase::kHeaders);
    EXPECT_FALSE(h.attempt.answered);
    h.Answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_TRUE(h.ended);
    EXPECT_FALSE(h.error);
    EXPECT_EQ(h.Body(), "hello");
    EXPECT_TRUE(h.attempt.answered);
    EXPECT_EQ(h.attempt.body_bytes, 5u);
    EXPECT_EQ(h.connection->keep_for(), kNever);
  }
}

TEST(H1Test, ByteByByte) {
  H1 h;
  h.Start();
  const std::string answer =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n";
  for (size_t i = 0; i < answer.size(); i++) {
    EXPECT_FALSE(h.ended) << i;
    h.wire->Feed(answer.substr(i, 1));
  }
  EXPECT_TRUE(h.ended);
  EXPECT_EQ(h.Body(), "hello!");
}

TEST(H1Test, HowLongItIsKept) {
  const auto kept = [](const char* answer, const char* header = nullptr) {
    H1 h;
    if (header) {
      EXPECT_TRUE(h.request.headers.Add("Connection", header).ok());
    }
    h.Start();
    h.Answer(answer);
    EXPECT_TRUE(h.ended && !h.error) << answer;
    return h.connection->keep_for();
  };
  EXPECT_EQ(kept("HTTP/1.1 204 No Content\r\n\r\n"), kNever);
  EXPECT_EQ(kept("HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=4\r\n\r\n"), 3 * kSecond);
  EXPECT_EQ(kept("HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=4, max=0\r\n\r\n"), 0);
  EXPECT_EQ(kept("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"), 0);
  EXPECT_EQ(kept("HTTP/1.1 204 No Content\r\n\r\n", "close"), 0);
  EXPECT_EQ(kept("HTTP/1.1 204 No Content\r\n\r\nHTTP"), 0) << "nobody asked for more";
}

TEST(H1Test, BrokenBeforeAndInside) {
  H1 before;
  before.Start();
  before.wire->FeedEnd();
  ASSERT_TRUE(before.error);
  EXPECT_EQ(before.error->status(), Status::kDisconnected);
  EXPECT_TRUE(before.attempt.broken);
  EXPECT_FALSE(before.attempt.answered);
  EXPECT_GT(before.attempt.sent, 0u);
  EXPECT_EQ(before.connection->keep_for(), 0);

  H1 inside;
  inside.Start();
  inside.Answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  inside.wire->FeedFailure(ECONNRESET);
  ASSERT_TRUE(inside.error);
  EXPECT_EQ(inside.error->status(), Status::kTruncated);
  EXPECT_TRUE(inside.attempt.answered);
}

// A server that refuses an upload answers, and never reads the rest.
TEST(H1Test, AnswerToWhatCouldNotBeSent) {
  H1 h;
  h.request.method = "POST";
  h.request.body = BodySource::Pulled(100);
  h.Start();
  EXPECT_EQ(h.pulls, 1);
  h.wire->BreakWrites(EPIPE);
  h.wire->PauseReading();  // nobody has said yet that there is something
  h.Answer("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_FALSE(h.wire->ResumeReading());
  h.exchange->Answer(std::string(50, 'x'), true);
  EXPECT_TRUE(h.ended);
  EXPECT_EQ(h.head.status, 413);
  EXPECT_EQ(h.connection->keep_for(), 0);
}

TEST(H1Test, PulledBody) {
  H1 h;
  h.request.method = "PUT";
  h.request.body = BodySource::PulledOfUnknownSize();
  h.Start();
  h.wire->TakeWritten();
  EXPECT_TRUE(h.exchange->pulling());
  h.exchange->Answer("abc", true);
  EXPECT_EQ(h.wire->TakeWritten(), "3\r\nabc\r\n");
  EXPECT_EQ(h.pulls, 2);
  h.Answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  h.exchange->Answer("", false);
  EXPECT_EQ(h.wire->TakeWritten(), "0\r\n\r\n");
  EXPECT_EQ(h.sents, 1);
  EXPECT_FALSE(h.exchange->sending());
  h.Answer("done");
  EXPECT_TRUE(h.ended && !h.error);
  EXPECT_EQ(h.connection->keep_for(), kNever);
}

TEST(H1Test, RequestInPieces) {
  H1 h;
  h.request.method = "POST";
  h.request.body = BodySource::Bytes("the body");
  h.wire->MakeRoom(10);
  h.Start();
  std::string all = h.wire->TakeWritten();
  EXPECT_EQ(all.size(), 10u);
  for (int i = 0; i < 100 && h.exchange->sending(); i++) {
    h.wire->MakeRoom(7);
    all += h.wire->TakeWritten();
  }
  EXPECT_EQ(
      all, "POST /path HTTP/1.1\r\nHost: host\r\nAccept: */*\r\nContent-Length: 8\r\n\r\nthe body");
  EXPECT_EQ(h.attempt.sent, all.size());
}

TEST(H1Test, HoldsTheServerBack) {
  H1 h;
  h.streams = true;
  h.Start();
  h.Answer("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  h.wire->Feed(std::string(400'000, 'x'));
  EXPECT_FALSE(h.wire->reading()) << "the sink is full";
  EXPECT_LT(h.attempt.body_bytes, 400'000u);
  std::string into(1 << 20, ' ');
  size_t size = 0;
  h.stream.Read(into.data(), into.size(), &size);
  EXPECT_GE(size, StreamBody::kHigh);
  const uint64_t before = h.attempt.body_bytes;
  h.exchange->ReadOn();
  EXPECT_TRUE(h.wire->reading());
  EXPECT_EQ(h.attempt.body_bytes, before) << "never from inside";
  // What the server had said by then comes without another word of its.
  h.stream.Read(into.data(), into.size(), &size);
  h.loop->Poll();
  EXPECT_GT(h.attempt.body_bytes, before);
}

TEST(H1Test, ReadsOverWhatNobodyWants) {
  H1 small;
  small.unwanted = true;
  small.Start();
  small.Answer("HTTP/1.1 302 Found\r\nContent-Length: 4\r\n\r\n");
  EXPECT_FALSE(small.ended);
  small.Answer("gone");
  EXPECT_TRUE(small.ended && !small.error);
  EXPECT_EQ(small.connection->keep_for(), kNever);

  H1 large;
  large.unwanted = true;
  large.Start();
  large.Answer("HTTP/1.1 302 Found\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_TRUE(large.ended && !large.error) << "it would take too long";
  EXPECT_EQ(large.connection->keep_for(), 0);
}

TEST(H1Test, AbortTellsNobody) {
  H1 h;
  h.Start();
  h.exchange->Abort();
  h.Answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_FALSE(h.ended);
  EXPECT_EQ(h.heads, 0);
  EXPECT_EQ(h.connection->keep_for(), 0);
}

TEST(H1Test, WhatComesWhileIdle) {
  H1 h;
  h.Start();
  h.Answer("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(h.connection->IdleIsSound());
  EXPECT_EQ(h.changes, 0);
  h.Answer("HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_GE(h.changes, 1);
  EXPECT_FALSE(h.connection->IdleIsSound());
}

}  // namespace
}  // namespace creche::http
