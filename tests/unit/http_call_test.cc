// Calls through layers and the pool, over connections in memory.
#include <gtest/gtest.h>

#include <string>

#include "http_calls.h"

namespace creche::http {
namespace {

using test::Caller;
using test::CallFixture;
using test::Get;
using test::MemoryH1Opener;

using H1Calls = CallFixture<MemoryH1Opener>;

constexpr char kHello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST(CallTest, KeptConnection) {
  H1Calls t;
  for (int i = 0; i < 3; i++) {
    Caller* caller = t.Start("http://h/");
    EXPECT_EQ(caller->Outcome(), "goes on");
    t.wire().Feed(kHello);
    EXPECT_EQ(caller->Outcome(), "200 hello");
    EXPECT_EQ(caller->call->reused(), i > 0);
  }
  EXPECT_EQ(t.opener.transports.size(), 1u);
  EXPECT_EQ(t.wire().writes, 3);
  EXPECT_EQ(t.wire().looks, 2) << "one look for each use of a kept one";
  EXPECT_EQ(t.counters.reuses.get(), 2u);
}

TEST(CallTest, Redirect) {
  RequestDefaults session;
  ASSERT_TRUE(session.headers.Add("X-Session", "yes").ok());
  H1Calls t({}, std::move(session));
  Caller* caller = t.Start("http://h/from");
  t.wire().TakeWritten();
  t.wire().Feed("HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(
      t.wire().TakeWritten(),
      "GET /to HTTP/1.1\r\nHost: h\r\nX-Session: yes\r\nAccept: */*\r\nAccept-Encoding: gzip, "
      "deflate, br, zstd\r\n\r\n");
  t.wire().Feed(kHello);
  EXPECT_EQ(caller->Outcome(), "200 hello");
  EXPECT_EQ(caller->call->request().redirects, 1u);
  // To another host: another line of the pool.
  caller = t.Start("http://h/from");
  t.wire().Feed("HTTP/1.1 307 Go\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n");
  ASSERT_EQ(t.opener.transports.size(), 2u);
  EXPECT_EQ(t.counters.idle.get(), 1u);
  t.wire(1).Feed(kHello);
  EXPECT_EQ(caller->Outcome(), "200 hello");
}

TEST(CallTest, TooManyRedirects) {
  H1Calls t;
  Caller* caller = t.Start("http://h/");
  for (int i = 0; i < 6; i++)
    t.wire().Feed("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(caller->Outcome(), "CRECHE_E_REDIRECT");
  EXPECT_EQ(t.wire().writes, 6);
  EXPECT_EQ(t.counters.idle.get(), 1u) << "the connection is not to blame";
}

TEST(CallTest, StaleConnectionIsTriedAgainOnce) {
  H1Calls t;
  t.Start("http://h/");
  t.wire().Feed(kHello);
  Caller* caller = t.Start("http://h/");
  t.wire().FeedEnd();
  EXPECT_EQ(caller->Outcome(), "goes on");
  EXPECT_EQ(t.counters.retries.get(), 1u);
  ASSERT_EQ(t.opener.transports.size(), 2u);
  t.wire(1).FeedEnd();
  EXPECT_EQ(caller->Outcome(), "CRECHE_E_DISCONNECTED") << "a new one was not stale";
  EXPECT_TRUE(caller->error->retryable()) << "a GET may be made again";
}

TEST(CallTest, PostIsNotTriedAgain) {
  H1Calls t;
  t.Start("http://h/");
  t.wire().Feed(kHello);
  Request post = Get("http://h/");
  post.method = "POST";
  Caller* caller = t.Start(std::move(post));
  t.wire().FeedEnd();
  EXPECT_EQ(caller->Outcome(), "CRECHE_E_DISCONNECTED");
  EXPECT_FALSE(caller->error->retryable());
  EXPECT_EQ(t.counters.retries.get(), 0u);
}

TEST(CallTest, ConnectingFails) {
  H1Calls t;
  t.opener.at_once = false;
  Caller* caller = t.Start("http://h/");
  EXPECT_EQ(caller->call->phase(), Phase::kConnect);
  t.opener.pending.at(0)->Fail();
  EXPECT_EQ(caller->Outcome(), "CRECHE_E_CONNECT");
  EXPECT_NE(caller->error->fields().flags & kUnsent, 0u);
  EXPECT_EQ(t.counters.open.get(), 0u);
}

TEST(CallTest, AbortedAnywhere) {
  H1Calls t({.total = 1});
  t.opener.at_once = false;
  Caller* connecting = t.Start("http://a/");
  Caller* in_line = t.Start("http://b/");
  EXPECT_EQ(in_line->call->phase(), Phase::kPool);
  in_line->call->Abort();
  EXPECT_EQ(t.counters.waiting.get(), 0u);
  connecting->call->Abort();
  EXPECT_TRUE(t.opener.pending.empty());
  EXPECT_EQ(t.counters.open.get(), 0u);
  t.opener.at_once = true;
  Caller* sent = t.Start("http://a/");
  sent->call->Abort();
  EXPECT_EQ(t.counters.open.get(), 0u);
  Caller* inside = t.Start("http://a/");
  t.wire(1).Feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
  inside->call->Abort();
  EXPECT_EQ(t.counters.open.get(), 0u);
  for (Caller* caller : {connecting, in_line, sent, inside}) EXPECT_FALSE(caller->ended);
}

TEST(CallTest, Stream) {
  H1Calls t;
  Caller* caller = t.Start(Get("http://h/"), true);
  t.wire().Feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
  EXPECT_EQ(caller->heads, 1);
  t.wire().Feed("ll");
  EXPECT_EQ(caller->bodies, 1);
  t.wire().Feed("o");
  EXPECT_TRUE(caller->ended && !caller->error);
  char into[16];
  size_t size = 0;
  caller->stream->Read(into, sizeof into, &size);
  EXPECT_EQ(std::string(into, size), "hello");
  EXPECT_TRUE(caller->stream->finished());
}

TEST(CallTest, AllEndWithTheirSession) {
  H1Calls t({.total = 1});
  Caller* one = t.Start("http://a/");
  Caller* two = t.Start("http://b/");
  t.calls.FailAll(MakeError(Status::kClosed, Phase::kNone, "the session was closed"));
  EXPECT_EQ(one->Outcome(), "CRECHE_E_CLOSED");
  EXPECT_EQ(two->Outcome(), "CRECHE_E_CLOSED");
}

// A policy is a layer: the call is not told what it is about.
struct BusyLayer final : Layer {
  Next OnRequest(CallState& call) const override {
    return call.request.headers.Has("X-Forbidden") ? Refuse(call) : Next::kGo;
  }
  Next OnResponse(CallState& call) const override {
    return call.head.status == 503 ? Next::kAgain : Next::kGo;
  }
  Next OnFailure(CallState& call, const Error&) const noexcept override {
    return call.attempt.sent == 0 ? Next::kAgain : Next::kGo;
  }
  static Next Refuse(CallState& call) {
    call.failure = MakeError(Status::kInvalid, Phase::kOptions, "not with this header");
    return Next::kFail;
  }
};

TEST(CallTest, AnotherLayer) {
  H1Calls t;
  const BusyLayer busy;
  t.layers.insert(t.layers.begin(), &busy);
  Calls calls{*t.loop, t.counters, t.pool, nullptr, t.layers};
  Caller again(calls, Get("http://h/"));
  t.wire().Feed("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(again.Outcome(), "goes on");
  t.wire().Feed(kHello);
  EXPECT_EQ(again.Outcome(), "200 hello");

  Request forbidden = Get("http://h/");
  ASSERT_TRUE(forbidden.headers.Add("X-Forbidden", "1").ok());
  EXPECT_EQ(Caller(calls, std::move(forbidden)).Outcome(), "CRECHE_E_INVALID");

  t.opener.at_once = false;
  Caller opened(calls, Get("http://other/"));
  t.opener.pending.at(0)->Fail();
  EXPECT_EQ(opened.Outcome(), "goes on");
  t.opener.pending.at(0)->Succeed();
  t.wire(1).Feed(kHello);
  EXPECT_EQ(opened.Outcome(), "200 hello");
}

// One that fails and does not say why ends the call all the same.
struct SilentLayer final : Layer {
  Next OnResponse(CallState& call) const override {
    return call.head.status == 503 ? Next::kFail : Next::kGo;
  }
  Next OnFailure(CallState&, const Error&) const noexcept override { return Next::kFail; }
};

TEST(CallTest, AFailureWithoutAReasonIsTheEnd) {
  H1Calls t;
  const SilentLayer silent;
  t.layers.insert(t.layers.begin(), &silent);
  Calls calls{*t.loop, t.counters, t.pool, nullptr, t.layers};
  Caller answered(calls, Get("http://h/"));
  t.wire().Feed("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(answered.Outcome(), "CRECHE_E_INTERNAL");
  t.opener.at_once = false;
  Caller opened(calls, Get("http://other/"));
  t.opener.pending.at(0)->Fail();
  EXPECT_EQ(opened.Outcome(), "CRECHE_E_INTERNAL");
}

// And one that waits before the next attempt.
struct PatientLayer final : Layer {
  explicit PatientLayer(Loop& l) : loop(l) {}
  Next OnResponse(CallState& call) const override {
    if (call.head.status != 503) return Next::kGo;
    call.again_at = After(loop.now(), 5 * kMillisecond);
    return Next::kAgain;
  }
  Loop& loop;
};

TEST(CallTest, AgainLater) {
  H1Calls t;
  const PatientLayer patient(*t.loop);
  t.layers.push_back(&patient);
  Calls calls{*t.loop, t.counters, t.pool, nullptr, t.layers};
  Caller caller(calls, Get("http://h/"));
  const Nanos before = t.loop->now();
  t.wire().Feed("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(t.counters.idle.get(), 1u) << "others may use the connection meanwhile";
  EXPECT_EQ(t.wire().writes, 1);
  ASSERT_TRUE(t.loop->RunUntil([&] { return t.wire().writes == 2; }));
  EXPECT_GE(t.loop->now() - before, 5 * kMillisecond);
  t.wire().Feed(kHello);
  EXPECT_EQ(caller.Outcome(), "200 hello");
  // Left while it waits.
  Caller left(calls, Get("http://h/"));
  t.wire().Feed("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  left.call->Abort();
  EXPECT_EQ(t.counters.idle.get(), 1u);
}

}  // namespace
}  // namespace creche::http
