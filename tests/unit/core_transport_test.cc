#include "core/transport.h"

#include <dlfcn.h>
#include <netinet/tcp.h>
#include <openssl/x509_vfy.h>
#include <sys/epoll.h>

#include <cerrno>
#include <future>
#include <string>

#include "core/socket_transport.h"
#include "core/tls_transport.h"
#include "counted_calls.h"
#include "io_peer.h"
#include "memory_transport.h"
#include "test_loop.h"

thread_local creche::test::CountedCalls creche::test::calls;

namespace {
using creche::test::calls;

// Calls are failed, if a test says so.
thread_local struct {
  int sends_left = -1;
  bool controls = false;
} failing;
bool SendFails() {
  if (failing.sends_left < 0 || failing.sends_left-- > 0) return false;
  failing.sends_left = 0;
  errno = ECONNRESET;
  return true;
}
template <class F>
F* Next(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}
}  // namespace

extern "C" {
__attribute__((visibility("default"))) ssize_t send(int fd, const void* data, size_t size,
                                                    int flags) {
  static auto* const next = Next<ssize_t(int, const void*, size_t, int)>("send");
  calls.sends++;
  return SendFails() ? -1 : next(fd, data, size, flags);
}
__attribute__((visibility("default"))) ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static auto* const next = Next<ssize_t(int, const msghdr*, int)>("sendmsg");
  calls.sends++;
  return SendFails() ? -1 : next(fd, message, flags);
}
__attribute__((visibility("default"))) ssize_t recv(int fd, void* into, size_t size, int flags) {
  static auto* const next = Next<ssize_t(int, void*, size_t, int)>("recv");
  calls.receives++;
  return next(fd, into, size, flags);
}
__attribute__((visibility("default"))) int epoll_wait(int fd, epoll_event* events, int n, int ms) {
  static auto* const next = Next<int(int, epoll_event*, int, int)>("epoll_wait");
  calls.waits++;
  calls.sleeps += ms != 0;
  return next(fd, events, n, ms);
}
__attribute__((visibility("default"))) int epoll_ctl(int epoll, int what, int fd,
                                                     epoll_event* event) noexcept {
  static auto* const next = Next<int(int, int, int, epoll_event*)>("epoll_ctl");
  calls.controls++;
  if (failing.controls) return errno = ENOSPC, -1;
  return next(epoll, what, fd, event);
}
}

namespace creche {
namespace {

using platform::Socket;
using platform::TlsContext;
using platform::TlsFailure;
using platform::UniqueFd;
using test::Authority;
using test::Server;
using test::TestLoop;
using test::TlsPeer;
using test::TlsServerContext;

IoResult WriteTo(Transport& transport, const std::string& text) {
  const iovec part{const_cast<char*>(text.data()), text.size()};
  return transport.Write(&part, 1);
}

// A user of a transport who notes what happens.
class User : public Transport::Listener, public TlsTransport::HandshakeListener {
 public:
  User(const Ref<TestLoop>& loop, uint16_t port) : loop_(loop) {
    Socket socket;
    const int started = socket.Connect(test::Loopback(port));
    EXPECT_TRUE(started == 0 || started == EINPROGRESS);
    EXPECT_TRUE(test::Await(socket.fd(), POLLOUT));
    fd = socket.fd();
    transport = std::make_unique<SocketTransport>(*loop, std::move(socket));
    EXPECT_EQ(transport->Open(this), 0);
  }

  User(const Ref<TestLoop>& loop, const std::function<std::unique_ptr<Transport>()>& make)
      : transport(make()), loop_(loop) {
    EXPECT_EQ(transport->Open(this), 0);
  }

  void OnReadable() noexcept override {
    readable_calls++;
    if (on_readable) return on_readable();
    // Once, as the transport asks for.
    std::string into(capacity, 0);
    const IoResult result = transport->Read(into.data(), capacity);
    got.append(into, 0, result.size);
    if (result.state == Io::kOk || result.state == Io::kLater) return;
    end = result.state;
    ended = true;
    transport->PauseReading();
  }
  void OnWritable() noexcept override {
    writable_calls++;
    if (on_writable) return on_writable();
    WriteRest();
  }
  void OnHandshakeDone(ErrorRef failed) noexcept override {
    handshakes++;
    error = std::move(failed);
    EXPECT_TRUE(error || transport->Open(this) == 0);
    if (on_handshake) on_handshake();
  }

  void Write(std::string text) {
    rest = std::move(text);
    WriteRest();
  }
  void WriteRest() {
    const IoResult result = WriteTo(*transport, rest);
    write_failed = result.state == Io::kFailed;
    rest.erase(0, result.size);
  }
  ErrorRef StartTls(std::shared_ptr<TlsContext> context, const std::string& host = "localhost") {
    auto tls = std::make_unique<TlsTransport>(*loop_, std::move(transport));
    TlsTransport& started = *tls;
    transport = std::move(tls);
    return started.StartHandshake(std::move(context), host, 443, true, this);
  }
  bool Handshake(std::shared_ptr<TlsContext> context) {
    const ErrorRef refused = StartTls(std::move(context));
    EXPECT_FALSE(refused) << refused->message();
    EXPECT_EQ(handshakes, 0) << "never from inside";
    loop_->RunUntil([this] { return handshakes > 0; });
    EXPECT_FALSE(error) << error->message();
    return !error;
  }
  void RunUntilGot(const std::string& text) {
    loop_->RunUntil([&] { return got == text || ended; });
    EXPECT_EQ(got, text);
  }
  void RunToTheEnd() {
    loop_->RunUntil([this] { return ended; });
  }

  std::unique_ptr<Transport> transport;
  int fd = -1;  // of its socket
  size_t capacity = 16384;
  std::string got, rest;
  Io end = Io::kOk;
  bool ended = false, write_failed = false;
  ErrorRef error;
  int readable_calls = 0, writable_calls = 0, handshakes = 0;
  std::function<void()> on_readable, on_writable, on_handshake;

 private:
  const Ref<TestLoop> loop_;
};

class TransportTest : public testing::Test {
 protected:
  std::shared_ptr<TlsContext> Trusting() {
    TlsFailure failure;
    auto context = TlsContext::Create({.ca_file = authority_.file()}, &failure);
    EXPECT_TRUE(context) << failure.text;
    return context;
  }
  const Ref<TestLoop> loop_ = TestLoop::Open();
  const Authority authority_;
  const TlsServerContext good_{authority_.Sign("DNS:localhost")};
};

// ---- Cost

constexpr int kExchanges = 100;

void ExpectCostOf(User& user, const Ref<TestLoop>& loop) {
  const std::string answer(1000, 'a');
  calls = {};
  for (int i = 0; i < kExchanges; i++) {
    user.got.clear();
    char head[] = "head", body[] = " and body\n";
    const iovec parts[] = {{head, 4}, {body, 10}};
    ASSERT_EQ(user.transport->Write(parts, 2).size, 14u);
    loop->RunUntil([&] { return user.got == answer; });
  }
  EXPECT_EQ(calls.sends, kExchanges);
  EXPECT_EQ(calls.receives, kExchanges);
  EXPECT_EQ(calls.waits, kExchanges);
  EXPECT_EQ(calls.controls, 0);
}

TEST_F(TransportTest, AnExchangeCostsOneSendOneReceiveAndOneWait) {
  Server server([](int fd) {
    while (!test::ReadUntil(fd, "\n").empty()) test::SendAll(fd, std::string(1000, 'a'));
  });
  User user(loop_, server.port());
  ExpectCostOf(user, loop_);
}

TEST_F(TransportTest, AndOverTlsTheSame) {
  SSL_CTX_set_num_tickets(good_.get(), 0);  // they would come with the first answers
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    while (!peer.ReadUntil("\n").empty()) peer.Send(std::string(1000, 'a'));
  });
  User user(loop_, server.port());
  ASSERT_TRUE(user.Handshake(Trusting()));
  ExpectCostOf(user, loop_);
}

TEST_F(TransportTest, IsSmall) {
  EXPECT_LE(sizeof(SocketTransport), 128u);
}

// ---- Reading

TEST_F(TransportTest, ReadsToTheEnd) {
  Server server([](int fd) { test::SendAll(fd, std::string(100'000, 'x')); });
  User user(loop_, server.port());
  user.capacity = 777;
  user.RunToTheEnd();
  EXPECT_EQ(user.got, std::string(100'000, 'x'));
  EXPECT_EQ(user.end, Io::kEnd);
  char byte;
  EXPECT_EQ(user.transport->Read(&byte, 1).state, Io::kEnd) << "and so again";
  const ErrorRef error = user.transport->Failure(Phase::kBody);
  EXPECT_EQ(error->status(), Status::kDisconnected);
  EXPECT_EQ(error->phase(), Phase::kBody);
}

TEST_F(TransportTest, TellsAReset) {
  Server server([](int fd) { test::ResetAtClose(fd); });
  User user(loop_, server.port());
  user.RunToTheEnd();
  EXPECT_EQ(user.end, Io::kFailed);
  char byte;
  EXPECT_EQ(user.transport->Read(&byte, 1).state, Io::kFailed) << "and so again";
  const ErrorRef error = user.transport->Failure(Phase::kHeaders);
  EXPECT_EQ(error->status(), Status::kDisconnected);
  EXPECT_EQ(error->fields().system_errno, ECONNRESET);
}

TEST_F(TransportTest, DoesNotAskTheSystemForWhatIsNotThere) {
  Server server([](int fd) { test::AwaitEnd(fd); });
  User user(loop_, server.port());
  calls = {};
  char byte;
  EXPECT_EQ(user.transport->Read(&byte, 1).state, Io::kLater);
  EXPECT_EQ(calls.receives, 0);
}

TEST_F(TransportTest, PausesAndResumes) {
  Server server([](int fd) {
    test::ReadUntil(fd, "\n");
    test::SendAll(fd, "late");
    test::AwaitEnd(fd);
  });
  User user(loop_, server.port());
  user.transport->PauseReading();
  EXPECT_FALSE(user.transport->reading());
  user.Write("go\n");
  ASSERT_TRUE(test::Await(user.fd, POLLIN));
  for (int i = 0; i < 5; i++) loop_->Poll();
  EXPECT_EQ(user.readable_calls, 0);
  EXPECT_FALSE(user.transport->ResumeReading());
  user.RunUntilGot("late");
}

// The errno says what to do about it: more memory would not help.
TEST_F(TransportTest, ResumingSaysWhyItCannot) {
  Server server([](int fd) { test::AwaitEnd(fd); });
  User user(loop_, server.port());
  user.transport->PauseReading();
  failing.controls = true;
  const ErrorRef error = user.transport->ResumeReading();
  failing.controls = false;
  ASSERT_TRUE(error);
  EXPECT_EQ(error->status(), Status::kSystem);
  EXPECT_EQ(error->fields().system_errno, ENOSPC);
}

TEST_F(TransportTest, OpeningOverTlsSaysWhyItCannot) {
  Server server([this](int fd) {
    TlsPeer peer(good_, fd);
    test::AwaitEnd(fd);
  });
  User user(loop_, server.port());
  ASSERT_TRUE(user.Handshake(Trusting()));
  user.transport->PauseReading();
  failing.controls = true;
  EXPECT_EQ(user.transport->Open(&user), ENOSPC);
  failing.controls = false;
}

TEST_F(TransportTest, PassesFromOneListenerToTheNext) {
  Server server([](int fd) {
    test::SendAll(fd, "one");
    test::ReadUntil(fd, "\n");
    test::SendAll(fd, "two");
    test::AwaitEnd(fd);
  });
  User first(loop_, server.port());
  User second(loop_, server.port());
  first.RunUntilGot("one");
  second.transport = std::move(first.transport);
  second.transport->set_listener(&second);
  second.Write("\n");
  second.RunUntilGot("two");
  EXPECT_EQ(first.got, "one");
}

// ---- Writing

// More than fits: the rest goes when there is room, and then nothing is watched for any more.
void WriteMuch(User& user, const Ref<TestLoop>& loop, size_t size, std::atomic<bool>& may_read) {
  user.Write(std::string(size, 'x'));
  EXPECT_FALSE(user.rest.empty());
  for (int i = 0; i < 5; i++) loop->Poll();
  may_read = true;
  loop->RunUntil([&] { return user.rest.empty(); });
  EXPECT_FALSE(user.write_failed);
  EXPECT_GT(user.writable_calls, 0);
  const int so_far = user.writable_calls;
  for (int i = 0; i < 5; i++) loop->Poll();
  EXPECT_EQ(user.writable_calls, so_far);
}

constexpr size_t kMuch = 20'000'000;

TEST_F(TransportTest, WritesMoreThanFits) {
  std::atomic<bool> may_read{false};
  size_t received = 0;
  {
    Server server([&](int fd) {
      while (!may_read) std::this_thread::yield();
      std::string into(100'000, 0);
      for (ssize_t n; (n = recv(fd, into.data(), into.size(), 0)) > 0;)
        received += static_cast<size_t>(n);
    });
    User user(loop_, server.port());
    WriteMuch(user, loop_, kMuch, may_read);
    shutdown(user.fd, SHUT_WR);
    user.RunToTheEnd();
  }
  EXPECT_EQ(received, kMuch);
}

TEST_F(TransportTest, WritesMoreThanFitsOverTlsAndSaysGoodbye) {
  std::atomic<bool> may_read{false};
  std::promise<void> all;
  std::promise<bool> clean;
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    while (!may_read) std::this_thread::yield();
    peer.Read(kMuch);
    all.set_value();
    bool said = false;
    EXPECT_EQ(peer.Drain(&said), 0u);
    clean.set_value(said);
  });
  User user(loop_, server.port());
  ASSERT_TRUE(user.Handshake(Trusting()));
  WriteMuch(user, loop_, kMuch, may_read);
  all.get_future().wait();
  user.transport.reset();
  EXPECT_TRUE(clean.get_future().get());
}

// The test would die of SIGPIPE.
TEST_F(TransportTest, WritingToAClosedPeerIsAFailure) {
  Server server([](int fd) { test::ResetAtClose(fd); });
  User user(loop_, server.port());
  user.RunToTheEnd();
  user.Write("x");
  EXPECT_TRUE(user.write_failed);
  EXPECT_EQ(user.transport->Failure(Phase::kSend)->fields().system_errno, EPIPE);
  EXPECT_EQ(user.transport->Failure(Phase::kSend)->status(), Status::kDisconnected);
}

// A server that refuses a long request answers and closes: the answer is still there to be read.
TEST_F(TransportTest, AFailedWriteDoesNotSpoilWhatHasArrived) {
  Server server([](int fd) {
    test::ReadUntil(fd, "\n");
    test::SendAll(fd, "413");  // and closes with bytes unread: a reset follows
  });
  User user(loop_, server.port());
  user.on_readable = [&] {
    const std::string more(100'000, 'x');
    while (WriteTo(*user.transport, more).state != Io::kFailed) test::Await(user.fd, POLLOUT);
    user.on_readable = nullptr;
    user.OnReadable();
  };
  user.Write("\nmore");
  loop_->RunUntil([&] { return user.ended || !user.got.empty(); });
  EXPECT_EQ(user.got, "413");
}

// What went out before a failure is told, too: whoever repeats a request must know.
TEST_F(TransportTest, AFailureTellsWhatWentOutBefore) {
  std::atomic<bool> may_read{false};
  Server server([&](int fd) {
    test::SendAll(fd, "413");
    while (!may_read) std::this_thread::yield();  // or all of it might fit
    test::AwaitEnd(fd);
  });
  User user(loop_, server.port());
  const std::string much(kMuch, 'x');
  ASSERT_TRUE(test::Await(user.fd, POLLIN) || (may_read = true, false));
  failing.controls = true;  // it cannot be watched for writing
  const IoResult result = WriteTo(*user.transport, much);
  failing.controls = false;
  may_read = true;
  EXPECT_EQ(result.state, Io::kFailed);
  EXPECT_GT(result.size, 0u);
  EXPECT_LT(result.size, kMuch);
  EXPECT_EQ(user.transport->Failure(Phase::kSend)->fields().system_errno, ENOSPC);
  char answer[4];
  EXPECT_EQ(user.transport->Read(answer, sizeof answer).size, 3u) << "what came is still there";
}

TEST_F(TransportTest, AFailureOverTlsTellsWhatWentOutBefore) {
  Server server([this](int fd) {
    TlsPeer peer(good_, fd);
    test::AwaitEnd(fd);
  });
  User user(loop_, server.port());
  ASSERT_TRUE(user.Handshake(Trusting()));
  const std::string much(100'000, 'x');
  failing.sends_left = 2;  // records of 16 KiB
  const IoResult result = WriteTo(*user.transport, much);
  EXPECT_EQ(result.state, Io::kFailed);
  EXPECT_EQ(result.size, 2 * 16384u);
  failing.sends_left = -1;
}

TEST_F(TransportTest, WritingNothingDoesNothing) {
  Server server([](int fd) { test::AwaitEnd(fd); });
  User user(loop_, server.port());
  calls = {};
  EXPECT_EQ(WriteTo(*user.transport, "").state, Io::kOk);
  EXPECT_EQ(calls.sends, 0);
}

// ---- TLS

TEST_F(TransportTest, TellsHowATlsConnectionEnds) {
  for (const bool clean : {true, false}) {
    Server server([&](int fd) {
      TlsPeer peer(good_, fd);
      peer.Send("answer");
      if (clean) peer.CloseNotify();
      shutdown(fd, SHUT_WR);
      test::AwaitEnd(fd);
    });
    User user(loop_, server.port());
    ASSERT_TRUE(user.Handshake(Trusting()));
    user.RunToTheEnd();
    EXPECT_EQ(user.got, "answer");
    EXPECT_EQ(user.end, clean ? Io::kEnd : Io::kTruncated);
    EXPECT_EQ(user.transport->Failure(Phase::kBody)->status(), Status::kDisconnected);
  }
}

// The end comes in the same receive as the last bytes, and no FIN follows.
TEST_F(TransportTest, ACloseNotifyBehindTheLastBytesIsNotLost) {
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    peer.ReadUntil("\n");
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
    peer.Send("answer");
    peer.CloseNotify();
    const int off = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
    test::AwaitEnd(fd);
  });
  for (const size_t capacity : {1, 6, 7, 4096}) {
    User user(loop_, server.port());
    user.capacity = capacity;
    ASSERT_TRUE(user.Handshake(Trusting()));
    user.Write("go\n");
    user.RunToTheEnd();
    EXPECT_EQ(user.got, "answer");
    EXPECT_EQ(user.end, Io::kEnd);
  }
}

// OpenSSL holds what the socket does not announce again: with a small room, once for each call.
TEST_F(TransportTest, WhatTlsHoldsIsNotLost) {
  const std::string much(100'000, 'y');
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    peer.Send(much);
    test::AwaitEnd(fd);
  });
  for (const size_t capacity : {100, 16'384, 16'385, 60'000, 200'000}) {
    User user(loop_, server.port());
    user.capacity = capacity;
    ASSERT_TRUE(user.Handshake(Trusting()));
    user.RunUntilGot(much);
    const int so_far = user.readable_calls;
    for (int i = 0; i < 5; i++) loop_->Poll();
    EXPECT_LE(user.readable_calls, so_far + 1) << "nothing is announced when nothing is left";
  }
}

TEST_F(TransportTest, PausesWithBytesHeldByTls) {
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    peer.Send("0123456789");
    test::AwaitEnd(fd);
  });
  User user(loop_, server.port());
  user.on_readable = [&] {
    char byte;
    if (user.transport->Read(&byte, 1).state != Io::kOk) return;
    user.got += byte;
    user.transport->PauseReading();
  };
  ASSERT_TRUE(user.Handshake(Trusting()));
  for (size_t i = 1; i <= 10; i++) {
    loop_->RunUntil([&] { return user.got.size() == i; });
    for (int turn = 0; turn < 3; turn++) loop_->Poll();
    EXPECT_EQ(user.got.size(), i);
    EXPECT_FALSE(user.transport->ResumeReading());
  }
  EXPECT_EQ(user.got, "0123456789");
}

TEST_F(TransportTest, StartsTlsOnATransportUsedInClear) {
  Server server([&](int fd) {
    test::ReadUntil(fd, "\r\n\r\n");
    test::SendAll(fd, "HTTP/1.1 200 OK\r\n\r\n");
    TlsPeer peer(good_, fd);
    peer.Send(peer.ReadUntil("\n"));
    test::AwaitEnd(fd);
  });
  User user(loop_, server.port());
  user.Write("CONNECT localhost:443 HTTP/1.1\r\n\r\n");
  user.RunUntilGot("HTTP/1.1 200 OK\r\n\r\n");
  user.got.clear();
  ASSERT_TRUE(user.Handshake(Trusting()));
  ASSERT_NE(user.transport->tls(), nullptr);
  EXPECT_STREQ(user.transport->tls()->version(), "TLSv1.3");
  user.Write("secret\n");
  user.RunUntilGot("secret\n");
}

TEST_F(TransportTest, TellsWhyAHandshakeFailed) {
  const TlsServerContext expired(authority_.Sign("DNS:localhost", -60));
  struct Case {
    Server::Script script;
    const char* host;
    Status status;
  };
  const Case cases[] = {
      {[&](int fd) { TlsPeer peer(expired, fd); }, "localhost", Status::kTlsVerify},
      {[&](int fd) { TlsPeer peer(good_, fd); }, "other.example", Status::kTlsVerify},
      {[](int fd) {
         test::SendAll(fd, "220 mail.example ESMTP\r\n");
         test::AwaitEnd(fd);
       },
       "localhost", Status::kTls},
      {[](int fd) {
         char byte;
         recv(fd, &byte, 1, 0);
         shutdown(fd, SHUT_WR);
         test::AwaitEnd(fd);
       },
       "localhost", Status::kDisconnected},
  };
  for (const Case& c : cases) {
    Server server(c.script);
    User user(loop_, server.port());
    ASSERT_FALSE(user.StartTls(Trusting(), c.host));
    loop_->RunUntil([&] { return user.handshakes > 0; });
    ASSERT_TRUE(user.error);
    EXPECT_EQ(user.error->status(), c.status) << user.error->message();
    EXPECT_EQ(user.error->phase(), Phase::kTls);
    EXPECT_EQ(user.error->fields().tls_verify != 0, c.status == Status::kTlsVerify);
    for (int i = 0; i < 3; i++) loop_->Poll();
    EXPECT_EQ(user.handshakes, 1);
    EXPECT_EQ(user.readable_calls, 0) << "nothing comes after a failure";
  }
}

TEST_F(TransportTest, ABadHostIsToldAtOnce) {
  Server server([](int fd) { test::AwaitEnd(fd); });
  User user(loop_, server.port());
  const ErrorRef error = user.StartTls(Trusting(), "");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->status(), Status::kTls);
}

TEST_F(TransportTest, CanGoAtEveryStepOfAHandshake) {
  Server server([&](int fd) { TlsPeer peer(good_, fd); });
  for (int turns = 0; turns < 6; turns++) {
    User user(loop_, server.port());
    ASSERT_FALSE(user.StartTls(Trusting()));
    for (int i = 0; i < turns && user.handshakes == 0; i++) loop_->RunOnce();
    user.transport.reset();
    loop_->Poll();
  }
}

// ---- Going in a callback

TEST_F(TransportTest, MayGoInEachOfItsCalls) {
  for (const bool secure : {false, true}) {
    std::atomic<bool> may_read{true};
    Server server([&](int fd) {
      if (secure)
        TlsPeer(good_, fd).Send("0123456789");
      else
        test::SendAll(fd, "0123456789");
      while (!may_read) std::this_thread::yield();
      test::AwaitEnd(fd);
    });
    {
      User user(loop_, server.port());
      ASSERT_TRUE(!secure || user.Handshake(Trusting()));
      user.on_readable = [&] { user.transport.reset(); };
      loop_->RunUntil([&] { return !user.transport; });
    }
    {
      // Woken for what is left, not by the socket.
      User user(loop_, server.port());
      user.capacity = 1;
      ASSERT_TRUE(!secure || user.Handshake(Trusting()));
      loop_->RunUntil([&] { return !user.got.empty(); });
      user.on_readable = [&] { user.transport.reset(); };
      loop_->RunUntil([&] { return !user.transport; });
    }
    {
      may_read = false;
      User user(loop_, server.port());
      ASSERT_TRUE(!secure || user.Handshake(Trusting()));
      user.transport->PauseReading();
      user.on_writable = [&] { user.transport.reset(); };
      user.Write(std::string(kMuch, 'x'));
      may_read = true;
      loop_->RunUntil([&] { return !user.transport; });
    }
    if (secure) {
      User user(loop_, server.port());
      user.on_handshake = [&] { user.transport.reset(); };
      ASSERT_FALSE(user.StartTls(Trusting()));
      loop_->RunUntil([&] { return !user.transport; });
    }
  }
}

// ---- Idle connections

TEST_F(TransportTest, KnowsWhetherAnIdleConnectionIsSound) {
  for (const int what : {0, 1, 2}) {
    Server server([&](int fd) {
      test::ReadUntil(fd, "\n");
      if (what == 0) test::SendAll(fd, "HTTP/1.1 408 Request Timeout\r\n\r\n");
      if (what == 1) return;
      if (what == 2) return test::ResetAtClose(fd);
      test::AwaitEnd(fd);
    });
    User user(loop_, server.port());
    EXPECT_TRUE(user.transport->IdleIsSound());
    user.Write("\n");
    ASSERT_TRUE(test::Await(user.fd, POLLIN));
    EXPECT_FALSE(user.transport->IdleIsSound());
    EXPECT_FALSE(user.transport->IdleIsSound()) << "and so again";
  }
}

// The server sends its tickets when the connection is idle already.
TEST_F(TransportTest, TicketsDoNotSpoilAnIdleConnection) {
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    peer.Send(peer.ReadUntil("\n"));
    SSL_new_session_ticket(peer.get());
    SSL_do_handshake(peer.get());
    peer.ReadUntil("\n");
    peer.CloseNotify();
    test::AwaitEnd(fd);
  });
  User user(loop_, server.port());
  const auto context = Trusting();
  ASSERT_TRUE(user.Handshake(context));
  EXPECT_TRUE(user.transport->IdleIsSound());
  user.Write("one\n");
  user.RunUntilGot("one\n");
  // From now on it is in a pool, whose owner asks whenever there is something to read.
  bool sound = true;
  user.on_readable = [&] { sound = user.transport->IdleIsSound(); };
  const size_t tickets = 3;  // two behind the handshake, one more
  loop_->RunUntil([&] { return context->cache().size() == tickets; });
  EXPECT_TRUE(sound);
  EXPECT_TRUE(user.transport->IdleIsSound());
  user.Write("two\n");
  loop_->RunUntil([&] { return !sound; });
  EXPECT_FALSE(user.transport->IdleIsSound());
}

TEST_F(TransportTest, ResumesSessions) {
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    peer.Send("x");
    peer.Drain(nullptr);
  });
  const auto context = Trusting();
  for (int i = 0; i < 3; i++) {
    User user(loop_, server.port());
    ASSERT_TRUE(user.Handshake(context));
    user.RunUntilGot("x");
    EXPECT_EQ(user.transport->tls()->resumed(), i > 0);
  }
}

// A server that wants new keys while much is being written to it: reading answers it, and who waits
// for room to write hears of it all the same.
TEST_F(TransportTest, NewKeysDoNotStopWhoWrites) {
  std::atomic<bool> full{false};
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    while (!full) std::this_thread::yield();
    SSL_key_update(peer.get(), SSL_KEY_UPDATE_REQUESTED);
    peer.Send("new keys, please");
    peer.Read(kMuch);
    peer.Send("!");
    test::AwaitEnd(fd);
  });
  User user(loop_, server.port());
  ASSERT_TRUE(user.Handshake(Trusting()));
  user.Write(std::string(kMuch, 'x'));
  ASSERT_FALSE(user.rest.empty());
  full = true;
  loop_->RunUntil([&] { return user.got == "new keys, please!" || user.ended; });
  EXPECT_EQ(user.got, "new keys, please!");
  EXPECT_FALSE(user.write_failed);
  EXPECT_EQ(user.rest, "");
}

// ---- Over any transport

// What a proxy does behind CONNECT, and one that is spoken to by TLS itself.
TEST_F(TransportTest, TlsGoesOverTls) {
  const TlsServerContext outer(authority_.Sign("DNS:proxy.example"));
  Server server([&](int fd) {
    TlsPeer proxy(outer, fd);
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd inside(ends[0]), origin(ends[1]);
    std::thread far([&] {
      TlsPeer peer(good_, origin.get());
      peer.Send(peer.ReadUntil("\n"));
      peer.CloseNotify();
      shutdown(origin.get(), SHUT_WR);
    });
    test::Relay(proxy, fd, inside.get());
    far.join();
  });
  User user(loop_, server.port());
  const auto context = Trusting();
  ASSERT_FALSE(user.StartTls(context, "proxy.example"));
  loop_->RunUntil([&] { return user.handshakes == 1; });
  ASSERT_FALSE(user.error) << user.error->message();
  ASSERT_FALSE(user.StartTls(context, "localhost"));
  loop_->RunUntil([&] { return user.handshakes == 2; });
  ASSERT_FALSE(user.error) << user.error->message();
  EXPECT_TRUE(user.transport->IdleIsSound());
  const std::string much = std::string(50'000, 'x') + "\n";
  user.Write(much);
  user.RunToTheEnd();
  EXPECT_EQ(user.got, much);
  EXPECT_EQ(user.end, Io::kEnd);
}

TEST_F(TransportTest, TlsGoesOverMemory) {
  test::MemoryTransport* lower = nullptr;
  User user(loop_, [&] {
    auto memory = std::make_unique<test::MemoryTransport>();
    lower = memory.get();
    return memory;
  });
  ASSERT_FALSE(user.StartTls(Trusting()));
  EXPECT_EQ(lower->written().substr(0, 1), "\x16") << "the hello of a handshake";
  lower->Feed("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(user.handshakes, 1);
  ASSERT_TRUE(user.error);
  EXPECT_EQ(user.error->status(), Status::kTls);
}

// All was said at once, and is told in the next turn; but something comes before.
TEST_F(TransportTest, AHandshakeIsToldOnceThoughItsUserStays) {
  test::MemoryTransport* lower = nullptr;
  User user(loop_, [&] {
    auto memory = std::make_unique<test::MemoryTransport>();
    lower = memory.get();
    return memory;
  });
  lower->PauseReading();
  lower->Feed("HTTP/1.1 400 Bad Request\r\n\r\n");
  ASSERT_FALSE(user.StartTls(Trusting()));
  EXPECT_EQ(user.handshakes, 0);
  lower->Feed("and more");
  EXPECT_EQ(user.handshakes, 1);
  ASSERT_TRUE(user.error);
  for (int i = 0; i < 3; i++) loop_->Poll();
  EXPECT_EQ(user.handshakes, 1);
  EXPECT_EQ(user.readable_calls, 0);
}

TEST_F(TransportTest, AFailureBelowIsTold) {
  test::MemoryTransport* lower = nullptr;
  User user(loop_, [&] {
    auto memory = std::make_unique<test::MemoryTransport>();
    lower = memory.get();
    return memory;
  });
  ASSERT_FALSE(user.StartTls(Trusting()));
  lower->FeedFailure(ECONNRESET);
  ASSERT_TRUE(user.error);
  EXPECT_EQ(user.error->status(), Status::kDisconnected);
  EXPECT_EQ(user.error->fields().system_errno, ECONNRESET);
}

}  // namespace
}  // namespace creche
