#include "core/dialer.h"

#include <sys/epoll.h>

#include <cerrno>
#include <vector>

#include "io_peer.h"
#include "test_loop.h"

namespace creche {
namespace {

using platform::Address;
using platform::Socket;
using platform::UniqueFd;
using test::ClosedPort;
using test::Server;
using test::TestLoop;

class DialerTest : public testing::Test, public Dialer::Listener {
 protected:
  void OnDialed(Socket socket) noexcept override {
    calls_++;
    socket_ = std::move(socket);
    if (then_) then_();
  }
  void OnDialFailed(ErrorRef error) noexcept override {
    calls_++;
    error_ = std::move(error);
    if (then_) then_();
  }
  void Run() {
    loop_->RunUntil([this] { return calls_ > 0; });
  }

  const Ref<TestLoop> loop_ = TestLoop::Open();
  int calls_ = 0;
  Socket socket_;
  ErrorRef error_;
  std::function<void()> then_;
};

// A listener that takes no more connections: a SYN gets no answer. (Its queue is full.)
class DeafPort {
 public:
  DeafPort() : listener_(test::Listen(test::Loopback(0), 0)), waiting_(4) {
    for (Socket& socket : waiting_) socket.Connect(address());
    test::Await(waiting_[0].fd(), POLLOUT);
  }
  Address address() const { return test::Loopback(test::PortOf(listener_.get())); }

 private:
  UniqueFd listener_;
  std::vector<Socket> waiting_;
};

void HoldOpen(int fd) {
  test::AwaitEnd(fd);
}

TEST_F(DialerTest, Connects) {
  Server server(HoldOpen);
  Dialer dialer(*loop_, *this);
  ASSERT_TRUE(dialer.Start("here", {server.address()}));
  EXPECT_EQ(calls_, 0) << "never from inside Start";
  EXPECT_TRUE(dialer.dialing());
  Run();
  EXPECT_EQ(socket_.Peer(), server.address());
  EXPECT_FALSE(dialer.dialing());
}

TEST_F(DialerTest, ConnectsToUnixSockets) {
  const auto address = *Address::Unix("@creche-dial-" + std::to_string(getpid()));
  Server server(address, HoldOpen);
  Dialer dialer(*loop_, *this);
  ASSERT_TRUE(dialer.Start("here", {address}));
  EXPECT_EQ(calls_, 0);
  Run();
  EXPECT_EQ(socket_.Peer(), address);
}

TEST_F(DialerTest, GoesOnToTheNextAddress) {
  ClosedPort closed;
  Server server(HoldOpen);
  Dialer dialer(*loop_, *this, nullptr, kNever);
  ASSERT_TRUE(dialer.Start("here", {closed.address(), *Address::Unix("/no/such/socket"),
                                    closed.address(), server.address()}));
  Run();
  EXPECT_EQ(socket_.Peer(), server.address());
}

// However short the time, each address gets its share.
TEST_F(DialerTest, ASecondAddressIsTriedInTime) {
  DeafPort deaf;
  Server server(HoldOpen);
  Dialer dialer(*loop_, *this, nullptr, 3600 * kSecond);
  ASSERT_TRUE(dialer.Start("here", {deaf.address(), server.address()}, 40 * kMillisecond));
  Run();
  EXPECT_EQ(socket_.Peer(), server.address());
}

// What did not answer is tried last the next time: the stagger would last for an hour.
TEST_F(DialerTest, RemembersWhoAnswered) {
  DeafPort deaf;
  ClosedPort closed;
  Server server(HoldOpen);
  AddressHistory history;
  {
    Dialer dialer(*loop_, *this, &history, 5 * kMillisecond);
    ASSERT_TRUE(dialer.Start("here", {closed.address(), deaf.address(), server.address()}));
    Run();
  }
  Dialer dialer(*loop_, *this, &history, 3600 * kSecond);
  ASSERT_TRUE(dialer.Start("here", {closed.address(), deaf.address(), server.address()}));
  calls_ = 0;
  Run();
  EXPECT_EQ(socket_.Peer(), server.address());
}

TEST(AddressHistory, PutsWhatFailedLast) {
  const auto text = [](const std::vector<Address>& all) {
    std::string joined;
    for (const Address& each : all) joined += each.Text() + " ";
    return joined;
  };
  std::vector<Address> all;
  for (const char* ip : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
    all.push_back(*Address::Literal(ip));
  AddressHistory history;
  history.Failed(all[0], 0);
  std::vector<Address> sorted = all;
  history.Sort(&sorted, 1);
  EXPECT_EQ(text(sorted), text({all[1], all[2], all[0]}));
  sorted = all;
  history.Sort(&sorted, AddressHistory::kMemory);
  EXPECT_EQ(text(sorted), text(all)) << "it was long ago";
  for (const Address& each : all) history.Failed(each, 0);
  history.Answered(all[2]);
  sorted = all;
  history.Sort(&sorted, 1);
  EXPECT_EQ(text(sorted), text({all[2], all[0], all[1]}));
  for (uint16_t port = 1; port < 1000; port++) {
    Address other = all[0];
    other.set_port(port);
    history.Failed(other, 0);
  }
  sorted = all;
  history.Sort(&sorted, 1);
  EXPECT_EQ(text(sorted), text(all)) << "forgotten: there is a bound";
}

TEST_F(DialerTest, NamesEachFailure) {
  ClosedPort one, two;
  Dialer dialer(*loop_, *this);
  ASSERT_TRUE(dialer.Start("example.org:80", {one.address(), two.address()}));
  Run();
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->status(), Status::kConnect);
  EXPECT_EQ(error_->phase(), Phase::kConnect);
  EXPECT_EQ(error_->fields().system_errno, ECONNREFUSED);
  EXPECT_EQ(error_->fields().flags, kUnsent | kRetryable);
  EXPECT_EQ(error_->message(), "cannot connect to example.org:80: " + one.address().Text() +
                                   ": Connection refused; " + two.address().Text() +
                                   ": Connection refused");
  EXPECT_FALSE(dialer.dialing());
}

TEST_F(DialerTest, KeepsTheMessageShort) {
  ClosedPort closed;
  Dialer dialer(*loop_, *this);
  ASSERT_TRUE(dialer.Start("x", std::vector<Address>(1000, closed.address())));
  Run();
  EXPECT_LT(strlen(error_->message()), 1000u);
  EXPECT_NE(strstr(error_->message(), "and 992 more"), nullptr);
}

TEST_F(DialerTest, GivesASilentAddressCompany) {
  DeafPort deaf;
  Server server(HoldOpen);
  Dialer dialer(*loop_, *this, nullptr, 20 * kMillisecond);
  const Nanos before = loop_->now();
  ASSERT_TRUE(dialer.Start("here", {deaf.address(), server.address()}));
  Run();
  EXPECT_EQ(socket_.Peer(), server.address());
  EXPECT_GE(loop_->now() - before, 20 * kMillisecond);
}

TEST_F(DialerTest, AFailureEndsTheWaitForASilentOne) {
  DeafPort deaf;
  ClosedPort closed;
  Server server(HoldOpen);
  Dialer dialer(*loop_, *this, nullptr, 20 * kMillisecond);
  // The silent one waits alone for 20 ms; then the closed port fails, and the third follows at
  // once.
  ASSERT_TRUE(dialer.Start("here", {deaf.address(), closed.address(), server.address()}));
  Run();
  EXPECT_EQ(socket_.Peer(), server.address());
}

// The families take turns, beginning with that of the first address.
TEST_F(DialerTest, TakesTurnsWithTheFamilies) {
  const Address refused6 = [] {
    Address address = *Address::Literal("::1");
    address.set_port(1);
    return address;
  }();
  ClosedPort closed;
  Dialer dialer(*loop_, *this);
  ASSERT_TRUE(dialer.Start("x", {closed.address(), closed.address(), refused6, refused6}));
  Run();
  std::string order;
  for (const char* c = error_->message(); *c; c++) {
    if (strncmp(c, "127.0.0.1:", 10) == 0) order += '4';
    if (strncmp(c, "[::1]:", 6) == 0) order += '6';
  }
  EXPECT_EQ(order, "4646");
}

TEST_F(DialerTest, CanBeCancelledAtEveryStep) {
  DeafPort deaf;
  Server server(HoldOpen);
  // Before anything, after the first attempt has begun, after the second.
  for (int turns = 0; turns < 4; turns++) {
    Dialer dialer(*loop_, *this, nullptr, 0);
    ASSERT_TRUE(dialer.Start("here", {deaf.address(), deaf.address(), deaf.address()}));
    for (int i = 0; i < turns; i++) loop_->Poll();
    dialer.Cancel();
    EXPECT_FALSE(dialer.dialing());
    loop_->Poll();
    EXPECT_EQ(calls_, 0);
    // And it can be used again.
    ASSERT_TRUE(dialer.Start("here", {server.address()}));
    Run();
    EXPECT_EQ(calls_, 1);
    calls_ = 0;
  }
}

TEST_F(DialerTest, SaysWhatItHasTried) {
  DeafPort deaf;
  ClosedPort closed;
  Dialer dialer(*loop_, *this, nullptr, 0);
  ASSERT_TRUE(dialer.Start("here", {closed.address(), deaf.address()}));
  EXPECT_EQ(dialer.Tried(), "");
  loop_->RunUntil([&] { return dialer.Tried().find("refused; ") != std::string::npos; });
  EXPECT_EQ(dialer.Tried(), closed.address().Text() + ": Connection refused; " +
                                deaf.address().Text() + ": no answer yet");
}

TEST_F(DialerTest, WaitsForRoomInAUnixBacklog) {
  const auto address = *Address::Unix("@creche-busy-" + std::to_string(getpid()));
  const UniqueFd listener = test::Listen(address, 0);
  std::vector<Socket> waiting;
  for (int failed = 0; failed == 0;) failed = waiting.emplace_back().Connect(address);
  Dialer dialer(*loop_, *this);
  ASSERT_TRUE(dialer.Start("here", {address}));
  loop_->RunOnce();  // the first try
  EXPECT_EQ(calls_, 0);
  const UniqueFd accepted(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  Run();
  EXPECT_TRUE(socket_);
}

TEST_F(DialerTest, MayBeDestroyedInItsCall) {
  ClosedPort closed;
  Server server(HoldOpen);
  for (const Address& to : {closed.address(), server.address()}) {
    auto dialer = std::make_unique<Dialer>(*loop_, *this);
    then_ = [&] { dialer.reset(); };
    ASSERT_TRUE(dialer->Start("x", {to}));
    Run();
    EXPECT_FALSE(dialer);
    calls_ = 0;
  }
}

TEST_F(DialerTest, ClosesTheOthers) {
  DeafPort deaf;
  const UniqueFd listener = test::Listen(test::Loopback(0));  // no thread that opens descriptors
  const Address answers = test::Loopback(test::PortOf(listener.get()));
  const int before = UniqueFd(dup(0)).get();  // the lowest free descriptor
  {
    Dialer dialer(*loop_, *this, nullptr, 0);
    ASSERT_TRUE(dialer.Start("x", {deaf.address(), deaf.address(), answers}));
    Run();
    ASSERT_TRUE(socket_);
    socket_.Close();
  }
  EXPECT_EQ(UniqueFd(dup(0)).get(), before);
}

TEST_F(DialerTest, RefusesNothingToDial) {
  Dialer dialer(*loop_, *this);
  EXPECT_FALSE(dialer.Start("x", {}));
}

}  // namespace
}  // namespace creche
