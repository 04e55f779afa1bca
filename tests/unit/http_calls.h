// Calls on a pool whose connections lie in memory: the other end is the test.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "http/call.h"
#include "http/h1/h1_connection.h"
#include "http/layer/decoding.h"
#include "http/layer/defaults.h"
#include "http/layer/redirects.h"
#include "http/layer/stale_retry.h"
#include "memory_transport.h"
#include "test_loop.h"

namespace creche::http::test {

using creche::test::MemoryTransport;
using creche::test::TestLoop;

inline Request Get(const std::string& url) {
  Request request{.method = "GET", .url = Url::Parse(url).value()};
  request.max_body = 1 << 20;
  request.max_redirects = 5;
  return request;
}

// An open transport that nobody listens to.
inline std::unique_ptr<MemoryTransport> Opened(Loop* loop = nullptr) {
  static struct : Transport::Listener {
    void OnReadable() noexcept override {}
    void OnWritable() noexcept override {}
  } nobody;
  auto transport = std::make_unique<MemoryTransport>(loop);
  EXPECT_EQ(transport->Open(&nobody), 0);
  return transport;
}

// Opens connections at once, or when the test says so.
class MemoryOpener : public Opener {
 public:
  class Pending final : public Opening {
   public:
    Pending(MemoryOpener* opener, Listener* listener) : opener_(opener), listener_(listener) {
      opener->pending.push_back(this);
    }
    ~Pending() override { std::erase(opener_->pending, this); }
    void Start() noexcept override {
      if (opener_->at_once) Succeed();
    }
    Phase phase() const noexcept override { return Phase::kConnect; }
    // Each may destroy this.
    void Succeed() {
      auto transport = Opened();
      opener_->transports.push_back(transport.get());
      listener_->OnOpened(opener_->Make(std::move(transport)));
    }
    void Fail() {
      listener_->OnOpenFailed(MakeError(Status::kConnect, Phase::kConnect, "nobody is there"));
    }

   private:
    MemoryOpener* const opener_;
    Listener* const listener_;
  };

  std::unique_ptr<Opening> Open(const Route&, const Timeouts&, Listener* listener) override {
    return std::make_unique<Pending>(this, listener);
  }
  virtual std::unique_ptr<Connection> Make(std::unique_ptr<MemoryTransport> transport) = 0;

  bool at_once = true;
  std::vector<Pending*> pending;
  std::vector<MemoryTransport*> transports;  // all that were made
};

class MemoryH1Opener final : public MemoryOpener {
 public:
  explicit MemoryH1Opener(IoContext& io) : io_(io) {}
  std::unique_ptr<Connection> Make(std::unique_ptr<MemoryTransport> transport) override {
    return std::make_unique<H1Connection>(io_, std::move(transport));
  }

 private:
  IoContext& io_;
};

// Starts a call and keeps what it says.
struct Caller final : Call::Owner {
  Caller(Calls& calls, Request request, bool stream = false)
      : call(std::make_unique<Call>(stream, this)) {
    call->request() = std::move(request);
    call->Start(calls);
  }
  bool OnHead() noexcept override {
    heads++;
    stream = call->TakeStream();
    return true;
  }
  void OnBody() noexcept override { bodies++; }
  bool OnPull(uint64_t) noexcept override {
    pulls++;
    return true;
  }
  void OnSent() noexcept override { sents++; }
  void OnEnd(ErrorRef why) noexcept override {
    EXPECT_FALSE(ended);
    ended = true;
    error = std::move(why);
  }
  // "200 hello", or the status of the failure.
  std::string Outcome() {
    if (!ended) return "goes on";
    if (error) return StatusName(error->status());
    return std::to_string(call->head().status) + " " + std::string(call->whole().bytes().view());
  }

  std::unique_ptr<Call> call;
  std::unique_ptr<StreamBody> stream;
  int heads = 0, bodies = 0, pulls = 0, sents = 0;
  bool ended = false;
  ErrorRef error;
};

// All that calls need, with connections from OpenerType.
template <class OpenerType>
struct CallFixture {
  explicit CallFixture(const Pool::Limits& limits = {}, RequestDefaults of_session = {},
                       Ref<TestLoop> on = TestLoop::Open())
      : loop(std::move(on)),
        session(std::move(of_session)),
        pool(*loop, limits, counters, opener) {}
  ~CallFixture() { callers.clear(); }
  Caller* Start(Request request, bool stream = false) {
    callers.push_back(std::make_unique<Caller>(calls, std::move(request), stream));
    return callers.back().get();
  }
  Caller* Start(const std::string& url) { return Start(Get(url)); }
  MemoryTransport& wire(size_t i = 0) { return *opener.transports.at(i); }

  Ref<TestLoop> loop;
  Counters counters;
  const RequestDefaults session;
  IoContext io{*loop, counters, session};
  OpenerType opener{io};
  DefaultsLayer defaults{session, 64 << 10};
  StaleRetryLayer stale_retry;
  RedirectsLayer redirects;
  DecodingLayer decoding;
  std::vector<const Layer*> layers{&defaults, &stale_retry, &redirects, &decoding};
  Pool pool;
  Calls calls{*loop, counters, pool, nullptr, layers};
  std::vector<std::unique_ptr<Caller>> callers;
};

}  // namespace creche::http::test
