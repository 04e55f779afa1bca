// A second protocol, made up for this test, that carries many exchanges on one connection: calls
// and the pool know nothing of it, and need not.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>

#include "http_calls.h"

namespace creche::http {
namespace {

using test::Caller;
using test::CallFixture;
using test::Get;
using test::MemoryOpener;
using test::MemoryTransport;

// Each line is a frame: "7 GET /path" and "7 cancel" go out; "7 head 200", "7 data text", "7 end"
// and "7 refused" come in, and for all of them "max 3" and "goaway".
class ToyConnection final : public Connection, private Transport::Listener {
 public:
  explicit ToyConnection(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {
    transport_->set_listener(this);
  }
  size_t capacity() const noexcept override { return draining_ ? 0 : most_; }
  Exchange* Open(Request* request, ResponseHead* head, Attempt* attempt,
                 Exchange::Listener* listener) override {
    EXPECT_LT(open_.size(), capacity());
    const int id = ++last_id_;
    auto made = std::make_unique<Stream>(this, id, request, head, attempt, listener);
    return open_.emplace(id, std::move(made)).first->second.get();
  }
  Nanos keep_for() const noexcept override { return draining_ ? 0 : kNever; }
  bool IdleIsSound() noexcept override { return transport_->IdleIsSound(); }

 private:
  struct Stream final : Exchange {
    Stream(ToyConnection* c, int i, Request* r, ResponseHead* h, Attempt* a, Listener* l)
        : connection(c), id(i), request(r), head(h), attempt(a), listener(l) {}
    void Start() noexcept override {
      const std::string text = request->method + " " + std::string(request->url.target());
      attempt->sent = connection->Send(id, text);
      attempt->phase = Phase::kHeaders;
    }
    void Answer(std::string, bool) noexcept override {}
    void ReadOn() noexcept override {}
    bool pulling() const noexcept override { return false; }
    bool sending() const noexcept override { return false; }
    void Abort() noexcept override {
      connection->Send(id, "cancel");
      connection->open_.erase(id);
    }
    void End(ErrorRef error) {
      Listener* told = listener;
      connection->open_.erase(id);  // this is gone
      told->OnEnd(std::move(error));
    }

    ToyConnection* const connection;
    const int id;
    Request* const request;
    ResponseHead* const head;
    Attempt* const attempt;
    Listener* const listener;
    BodySink* sink = nullptr;
  };

  size_t Send(int id, const std::string& text) {
    const std::string frame = std::to_string(id) + " " + text + "\n";
    const iovec part{const_cast<char*>(frame.data()), frame.size()};
    return transport_->Write(&part, 1).size;
  }
  static ErrorRef Gone() {
    return MakeError(Status::kDisconnected, Phase::kHeaders, "the connection is gone");
  }

  void OnWritable() noexcept override {}
  void OnReadable() noexcept override {
    char bytes[4096];
    const IoResult result = transport_->Read(bytes, sizeof bytes);
    if (result.state != Io::kOk) return Break();
    std::istringstream frames(std::string(bytes, result.size));
    std::string line;
    bool destroyed = false;
    destroyed_ = &destroyed;
    while (!destroyed && std::getline(frames, line)) Take(line);
    if (!destroyed) destroyed_ = nullptr;
  }
  void Break() {
    draining_ = true;
    bool destroyed = false;
    destroyed_ = &destroyed;
    while (!destroyed && !open_.empty()) {
      Stream& stream = *open_.begin()->second;
      stream.attempt->broken = true;
      stream.End(Gone());
    }
    if (!destroyed) Changed();
  }
  void Take(const std::string& line) {
    std::istringstream words(line);
    std::string first, kind, rest;
    words >> first >> kind >> rest;
    if (first == "max") {
      most_ = std::stoul(kind);
      return Changed();
    }
    if (first == "goaway") {
      draining_ = true;
      return Changed();
    }
    const auto found = open_.find(std::stoi(first));
    if (found == open_.end()) return;  // it was cancelled
    Stream& stream = *found->second;
    stream.attempt->answered = kind != "refused";
    if (kind == "refused") {
      stream.attempt->broken = true;
      stream.attempt->sent = 0;  // nothing of it was done
      stream.End(Gone());
    } else if (kind == "head") {
      stream.head->Clear();
      stream.head->status = static_cast<uint16_t>(std::stoi(rest));
      if (rest == "302") stream.head->Add("Location", "/elsewhere");
      stream.attempt->phase = Phase::kBody;
      stream.sink = stream.listener->OnHead(true);
      if (!stream.sink) {  // cheaper than to read it over
        Send(stream.id, "cancel");
        return stream.End(nullptr);
      }
      EXPECT_FALSE(stream.sink->Begin(0).bad());
      [[maybe_unused]] const bool open = stream.listener->OnReceived();
    } else if (kind == "data") {
      EXPECT_FALSE(stream.sink->Append(rest.data(), rest.size()).bad());
      [[maybe_unused]] const bool open = stream.listener->OnReceived();
    } else if (kind == "end") {
      stream.End(nullptr);
    }
  }

 public:
  ~ToyConnection() override {
    EXPECT_TRUE(open_.empty());
    if (destroyed_) *destroyed_ = true;
  }

 private:
  const std::unique_ptr<Transport> transport_;
  std::map<int, std::unique_ptr<Stream>> open_;
  int last_id_ = 0;
  size_t most_ = 3;
  bool draining_ = false;
  bool* destroyed_ = nullptr;
};

class ToyOpener final : public MemoryOpener {
 public:
  explicit ToyOpener(IoContext&) {}
  std::unique_ptr<Connection> Make(std::unique_ptr<MemoryTransport> transport) override {
    return std::make_unique<ToyConnection>(std::move(transport));
  }
};

using Toy = CallFixture<ToyOpener>;

TEST(MultiplexTest, ManyAtOnceAndOutOfOrder) {
  Toy t({.total = 1});
  Caller* a = t.Start("http://h/a");
  Caller* b = t.Start("http://h/b");
  Caller* c = t.Start("http://h/c");
  ASSERT_EQ(t.opener.transports.size(), 1u) << "one connection for all of them";
  EXPECT_EQ(t.wire().TakeWritten(), "1 GET /a\n2 GET /b\n3 GET /c\n");
  t.wire().Feed("3 head 200\n1 head 404\n3 data third\n2 head 200\n3 end\n");
  EXPECT_EQ(c->Outcome(), "200 third");
  EXPECT_EQ(a->Outcome(), "goes on");
  t.wire().Feed("1 data first\n2 data se\n2 data cond\n2 end\n1 end\n");
  EXPECT_EQ(a->Outcome(), "404 first");
  EXPECT_EQ(b->Outcome(), "200 second");
  EXPECT_EQ(t.counters.open.get(), 1u);
  EXPECT_EQ(t.counters.idle.get(), 1u);
  EXPECT_EQ(t.counters.reuses.get(), 2u);
}

TEST(MultiplexTest, WaitsForAPlace) {
  Toy t({.total = 1});
  for (const char* path : {"/a", "/b", "/c", "/d", "/e", "/f"})
    t.Start(std::string("http://h") + path);
  EXPECT_EQ(t.counters.waiting.get(), 3u);
  t.wire().TakeWritten();
  t.wire().Feed("2 head 200\n2 end\n");
  t.loop->Poll();
  EXPECT_EQ(t.wire().TakeWritten(), "4 GET /d\n") << "the place that became free";
  t.wire().Feed("max 5\n");
  t.loop->Poll();
  EXPECT_EQ(t.wire().TakeWritten(), "5 GET /e\n6 GET /f\n") << "more places";
  EXPECT_EQ(t.counters.waiting.get(), 0u);
}

TEST(MultiplexTest, OneCancelled) {
  Toy t({.total = 1});
  Caller* a = t.Start("http://h/a");
  Caller* b = t.Start("http://h/b");
  Caller* c = t.Start("http://h/c");
  Caller* d = t.Start("http://h/d");
  t.wire().TakeWritten();
  b->call->Abort();
  EXPECT_EQ(t.wire().TakeWritten(), "2 cancel\n");
  t.loop->Poll();
  EXPECT_EQ(t.wire().TakeWritten(), "4 GET /d\n");
  t.wire().Feed(
      "2 head 200\n2 data late\n1 head 200\n1 end\n3 head 200\n3 end\n4 head 200\n4 end\n");
  for (Caller* other : {a, c, d}) EXPECT_EQ(other->Outcome(), "200 ");
  EXPECT_FALSE(b->ended);
  EXPECT_EQ(t.counters.idle.get(), 1u);
}

TEST(MultiplexTest, OneConnectionDrains) {
  Toy t({.total = 2});
  Caller* a = t.Start("http://h/a");
  Caller* b = t.Start("http://h/b");
  bool closed = false;
  t.wire().destroyed = &closed;
  t.wire().Feed("goaway\n");
  Caller* c = t.Start("http://h/c");
  ASSERT_EQ(t.opener.transports.size(), 2u) << "it takes no more";
  EXPECT_EQ(t.wire(1).TakeWritten(), "1 GET /c\n");
  t.wire().Feed("1 head 200\n1 end\n");
  EXPECT_EQ(a->Outcome(), "200 ");
  EXPECT_FALSE(closed);
  t.wire().Feed("2 head 200\n2 data last\n2 end\n");
  EXPECT_EQ(b->Outcome(), "200 last");
  EXPECT_TRUE(closed) << "it goes with the last one";
  EXPECT_EQ(t.counters.open.get(), 1u);
  EXPECT_EQ(t.counters.idle.get(), 0u);
  t.wire(1).Feed("1 head 200\n1 end\n");
  EXPECT_EQ(c->Outcome(), "200 ");
  // While idle, too.
  closed = false;
  t.wire(1).destroyed = &closed;
  t.wire(1).Feed("goaway\n");
  EXPECT_TRUE(closed);
  EXPECT_EQ(t.counters.open.get(), 0u);
}

// The layers do for it what they do for HTTP/1.1.
TEST(MultiplexTest, LayersKnowNothingOfIt) {
  Toy t({.total = 1});
  Caller* a = t.Start("http://h/a");
  Caller* b = t.Start("http://h/b");
  t.wire().TakeWritten();
  t.wire().Feed("1 head 302\n");
  EXPECT_EQ(t.wire().TakeWritten(), "1 cancel\n3 GET /elsewhere\n");
  t.wire().Feed("3 head 200\n3 data there\n3 end\n");
  EXPECT_EQ(a->Outcome(), "200 there");
  // The connection carried others before: what it refuses goes over a new one.
  t.wire().Feed("goaway\n2 refused\n");
  t.loop->Poll();
  ASSERT_EQ(t.opener.transports.size(), 2u);
  EXPECT_EQ(t.wire(1).TakeWritten(), "1 GET /b\n");
  EXPECT_EQ(t.counters.retries.get(), 1u);
  t.wire(1).Feed("1 head 200\n1 end\n");
  EXPECT_EQ(b->Outcome(), "200 ");
}

// A layer that fails a call at its head fails it, whether the rest is read or not.
struct StrictLayer final : Layer {
  Next OnResponse(CallState& call) const override {
    if (call.head.status != 418) return Next::kGo;
    call.failure = MakeError(Status::kProtocol, Phase::kHeaders, "no tea here");
    return Next::kFail;
  }
};

TEST(MultiplexTest, ALayerMayRefuseAHead) {
  Toy t({.total = 1});
  const StrictLayer strict;
  t.layers.insert(t.layers.begin(), &strict);
  Calls calls{*t.loop, t.counters, t.pool, nullptr, t.layers};
  Caller a(calls, Get("http://h/a"));
  t.wire().TakeWritten();
  t.wire().Feed("1 head 418\n");
  EXPECT_EQ(a.Outcome(), "CRECHE_E_PROTOCOL");
  EXPECT_EQ(t.wire().TakeWritten(), "1 cancel\n");
}

TEST(MultiplexTest, BreaksWithAllOfThem) {
  Toy t;
  Caller* a = t.Start("http://h/a");
  Request post = Get("http://h/b");
  post.method = "POST";
  Caller* b = t.Start(std::move(post));
  Caller* c = t.Start("http://h/c");
  t.wire().FeedEnd();
  EXPECT_EQ(a->Outcome(), "CRECHE_E_DISCONNECTED") << "it was opened for this one";
  EXPECT_EQ(b->Outcome(), "CRECHE_E_DISCONNECTED") << "a POST may have been done";
  EXPECT_EQ(c->Outcome(), "goes on") << "over a new one";
  ASSERT_EQ(t.opener.transports.size(), 2u);
  EXPECT_EQ(t.wire(1).TakeWritten(), "1 GET /c\n");
  EXPECT_EQ(t.counters.open.get(), 1u);
}

}  // namespace
}  // namespace creche::http
