// The steps to a connection, each by itself: what it takes from those before it, what it adds, and
// what it says when it cannot.
#include <gtest/gtest.h>
#include <netdb.h>

#include <string>
#include <vector>

#include "core/connect/dial_step.h"
#include "core/connect/resolve_step.h"
#include "core/connect/tls_step.h"
#include "core/socket_transport.h"
#include "io_peer.h"
#include "memory_transport.h"
#include "test_loop.h"

namespace creche {
namespace {

using platform::Address;
using platform::Resolved;
using test::Authority;
using test::MemoryTransport;
using test::Server;
using test::TestLoop;
using test::TlsPeer;
using test::TlsServerContext;

// Somebody else who asks for a name.
struct Asker : Resolver::Query {
  ~Asker() override = default;
  void OnResolved(Result<Addresses>) noexcept override {}
};

class StepTest : public testing::Test, public ConnectStep::Listener {
 protected:
  ~StepTest() override { loop_->StopTakingJobs(); }
  void OnStepDone() noexcept override { done_++; }
  void OnStepFailed(ErrorRef error) noexcept override {
    failed_++;
    error_ = std::move(error);
  }
  void OnStepWantsAnew() noexcept override { anew_++; }
  int told() const { return done_ + failed_ + anew_; }
  void Run(ConnectStep& step) {
    step.Start(&so_far_, this);
    loop_->RunUntil([this] { return told() > 0; });
  }
  // Up to where the server is reached.
  void Dial(const Server& server) {
    so_far_.addresses = {server.address()};
    DialStep dial(*loop_, resolver_, {});
    Run(dial);
    ASSERT_TRUE(so_far_.transport);
    done_ = 0;
  }
  static Resolved LookUp(const std::string& name) noexcept {
    if (name == "missing.example") return {.eai = EAI_NONAME};
    Resolved found;
    found.addresses.push_back(*Address::Literal(name == "closed.example" ? "127.0.0.2" : "::1"));
    return found;
  }

  const Ref<TestLoop> loop_ = TestLoop::Open();
  Workers workers_;
  Counter lookups_;
  Resolver resolver_{*loop_, workers_, {.look_up = LookUp, .lookups = &lookups_}};
  Connecting so_far_{.host = "some.example", .port = 443, .authority = "some.example:443"};
  int done_ = 0, failed_ = 0, anew_ = 0;
  ErrorRef error_;
};

// ---- Names

TEST_F(StepTest, ResolvingAddsAddressesWithThePort) {
  ResolveStep step(resolver_, {});
  Run(step);
  EXPECT_EQ(done_, 1);
  ASSERT_EQ(so_far_.addresses.size(), 1u);
  EXPECT_EQ(so_far_.addresses[0].Text(), "[::1]:443");
  // What is known is said from inside.
  ResolveStep known(resolver_, {});
  known.Start(&so_far_, this);
  EXPECT_EQ(done_, 2);
  EXPECT_EQ(lookups_.get(), 1u);
}

TEST_F(StepTest, ANameThatIsNotThereFails) {
  so_far_.host = "missing.example";
  ResolveStep step(resolver_, {});
  Run(step);
  EXPECT_EQ(failed_, 1);
  EXPECT_EQ(error_->status(), Status::kDns);
  EXPECT_EQ(error_->phase(), Phase::kDns);
  so_far_.host = "no name";
  ResolveStep other(resolver_, {});
  other.Start(&so_far_, this);
  EXPECT_EQ(error_->status(), Status::kUrl);
}

TEST_F(StepTest, ResolvingThatIsGivenUpTellsNobody) {
  {
    ResolveStep step(resolver_, {kSecond, "timeouts.dns"});
    step.Start(&so_far_, this);
    EXPECT_STREQ(step.TimedOut(so_far_)->message(),
                 "the name some.example was not resolved in 1 s: check the resolver, or raise "
                 "timeouts.dns");
  }
  Asker behind;
  if (!resolver_.Resolve("some.example", 1, &behind))
    loop_->RunUntil([&] { return !behind.waiting(); });
  EXPECT_EQ(told(), 0);
}

// ---- Sockets

TEST_F(StepTest, DiallingAddsATransportThatNobodyReadsYet) {
  Server server([](int fd) { test::SendAll(fd, "hello"); });
  so_far_.addresses = {server.address()};
  DialStep step(*loop_, resolver_, {});
  Run(step);
  EXPECT_EQ(done_, 1);
  ASSERT_TRUE(so_far_.transport);
  EXPECT_FALSE(so_far_.transport->reading());
  EXPECT_FALSE(so_far_.transport->tls());
}

TEST_F(StepTest, AHostThatCannotBeReachedIsLookedUpAnew) {
  ResolveStep resolve(resolver_, {});
  Run(resolve);
  const test::ClosedPort closed;
  so_far_.addresses = {closed.address()};
  DialStep step(*loop_, resolver_, {kSecond, "timeouts.connect"});
  Run(step);
  EXPECT_EQ(failed_, 0) << "not from inside";
  loop_->RunUntil([this] { return failed_ > 0; });
  EXPECT_EQ(error_->status(), Status::kConnect);
  EXPECT_EQ(error_->fields().system_errno, ECONNREFUSED);
  EXPECT_NE(std::string(error_->message()).find("some.example:443"), std::string::npos);
  EXPECT_FALSE(so_far_.transport);
  Asker again;
  EXPECT_FALSE(resolver_.Resolve("some.example", 443, &again).has_value()) << "it is forgotten";
}

TEST_F(StepTest, DiallingThatTakesTooLongSaysWhomItTried) {
  ResolveStep resolve(resolver_, {});
  Run(resolve);
  DialStep step(*loop_, resolver_, {2 * kSecond, "timeouts.connect"});
  const std::string text = step.TimedOut(so_far_)->message();
  EXPECT_EQ(text.find("no connection to some.example:443 in 2 s"), 0u) << text;
  EXPECT_NE(text.find("raise timeouts.connect"), std::string::npos) << text;
}

// ---- TLS

class TlsStepTest : public StepTest {
 protected:
  const Authority authority_;
  const TlsServerContext good_{authority_.Sign("DNS:some.example")};
  // Reads the authority on a worker, as a session does.
  TlsConfig config_{*loop_, {.ca_file = authority_.file()}, nullptr};
};

TEST_F(TlsStepTest, AHandshakeGoesOverWhatIsThere) {
  Server server([this](int fd) {
    TlsPeer peer(good_, fd);
    EXPECT_STREQ(peer.server_name(), "some.example");
    test::AwaitEnd(fd);
  });
  Dial(server);
  TlsStep step(*loop_, config_, "some.example", 443, {});
  ASSERT_FALSE(step.Prepare());
  Run(step);
  EXPECT_EQ(done_, 1);
  ASSERT_TRUE(so_far_.transport && so_far_.transport->tls());
  EXPECT_FALSE(so_far_.transport->tls()->offered());
}

TEST_F(TlsStepTest, TheCertificateMayBeThereFirst) {
  Server server([this](int fd) {
    TlsPeer peer(good_, fd);
    test::AwaitEnd(fd);
  });
  TlsStep step(*loop_, config_, "some.example", 443, {});
  ASSERT_FALSE(step.Prepare());
  // The authorities are read before anybody is reached.
  struct Asked : TlsConfig::Waiter {
    void OnTls(const Result<TlsContextRef>&) noexcept override { told = true; }
    bool told = false;
  } last;
  ASSERT_TRUE(config_.Get(&last).ok());
  loop_->RunUntil([&] { return last.told; });
  Dial(server);
  Run(step);
  EXPECT_EQ(done_, 1);
}

TEST_F(TlsStepTest, AnotherNameIsRefused) {
  Server server([this](int fd) {
    TlsPeer peer(good_, fd);
    test::AwaitEnd(fd);
  });
  Dial(server);
  TlsStep step(*loop_, config_, "other.example", 443, {});
  ASSERT_FALSE(step.Prepare());
  Run(step);
  EXPECT_EQ(failed_, 1);
  EXPECT_EQ(error_->status(), Status::kTlsVerify);
  EXPECT_EQ(anew_, 0) << "no session was offered that could be to blame";
}

TEST_F(TlsStepTest, WithoutAuthoritiesThereIsNoConnection) {
  TlsConfig broken{*loop_, {.ca_file = "/nonexistent/ca.pem"}, nullptr};
  so_far_.transport = std::make_unique<MemoryTransport>();
  TlsStep step(*loop_, broken, "some.example", 443, {});
  ASSERT_FALSE(step.Prepare());
  Run(step);
  EXPECT_EQ(failed_, 1);
  EXPECT_EQ(error_->status(), Status::kSystem);
}

// A server that has forgotten the session, and breaks off: once more, without one.
TEST_F(TlsStepTest, AfterARefusedSessionAllIsDoneAnewWithoutOne) {
  std::atomic<bool> breaks{false};
  Server server([&](int fd) {
    if (breaks.exchange(false)) return;
    TlsPeer peer(good_, fd);
    peer.Send("x");
    test::AwaitEnd(fd);
  });
  {
    // One whose session is kept.
    Dial(server);
    TlsStep first(*loop_, config_, "some.example", 443, {});
    ASSERT_FALSE(first.Prepare());
    Run(first);
    ASSERT_EQ(done_, 1);
    struct Reader : Transport::Listener {
      void OnReadable() noexcept override {
        char byte;
        got = transport->Read(&byte, 1).size > 0;
      }
      void OnWritable() noexcept override {}
      Transport* transport = nullptr;
      bool got = false;
    } reader;
    reader.transport = so_far_.transport.get();
    ASSERT_EQ(reader.transport->Open(&reader), 0);
    loop_->RunUntil([&] { return reader.got; });  // the tickets stand before it
    so_far_.transport.reset();
    done_ = 0;
  }
  breaks = true;
  Dial(server);
  TlsStep step(*loop_, config_, "some.example", 443, {});
  ASSERT_FALSE(step.Prepare());
  Run(step);
  EXPECT_EQ(anew_, 1);
  EXPECT_EQ(failed_, 0);
  anew_ = 0;
  Dial(server);
  Run(step);
  EXPECT_EQ(done_, 1);
  EXPECT_FALSE(so_far_.transport->tls()->offered());
}

TEST_F(TlsStepTest, ATimeoutNamesTheServer) {
  TlsStep step(*loop_, config_, "some.example", 443, {500 * kMillisecond, "timeouts.tls"});
  EXPECT_STREQ(step.TimedOut(so_far_)->message(),
               "no TLS handshake with some.example:443 in 500 ms: check that it speaks TLS, or "
               "raise timeouts.tls");
}

}  // namespace
}  // namespace creche
