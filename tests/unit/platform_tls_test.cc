#include "platform/tls.h"

#include <openssl/err.h>

#include <cerrno>
#include <fstream>

#include "io_peer.h"
#include "platform/socket.h"
#include "platform/tls_session.h"

namespace creche::platform {
namespace {

using test::Authority;
using test::Await;
using test::Server;
using test::TlsPeer;
using test::TlsServerContext;

constexpr char kHere[] = "DNS:localhost,DNS:*.example.org,IP:127.0.0.1";

// A client's connection, driven by poll.
class Client : private platform::TlsLower {
 public:
  Client(std::shared_ptr<TlsContext> context, uint16_t port, const std::string& host) {
    const int started = socket.Connect(test::Loopback(port));
    EXPECT_TRUE(started == 0 || started == EINPROGRESS);
    EXPECT_TRUE(Await(socket.fd(), POLLOUT));
    session = TlsSession::Open(std::move(context), this, host, port, &failure);
  }
  // Waits for what `state` wants; false if it wants nothing.
  bool Wait(TlsState state) {
    if (state == TlsState::kWantRead) {
      EXPECT_TRUE(Await(socket.fd(), POLLIN));
      session->LowerReadable();
      return true;
    }
    return state == TlsState::kWantWrite && Await(socket.fd(), POLLOUT);
  }
  TlsState Handshake() {
    TlsState state = session->Handshake();
    while (Wait(state)) state = session->Handshake();
    return state;
  }
  // Reads to the end; how it ended in *end.
  std::string ReadAll(TlsState* end, size_t capacity = 4096) {
    std::string got;
    std::string into(capacity, 0);
    for (;;) {
      const TlsResult result = session->Read(into.data(), capacity);
      got.append(into, 0, result.size);
      if (result.state == TlsState::kDone || Wait(result.state)) continue;
      *end = result.state;
      return got;
    }
  }
  bool Write(std::string_view text) {
    while (!text.empty()) {
      const iovec part{const_cast<char*>(text.data()), text.size()};
      const TlsResult result = session->Write(&part, 1);
      text.remove_prefix(result.size);
      if (result.state != TlsState::kDone && !Wait(result.state)) return false;
    }
    return true;
  }

  Socket socket;
  std::unique_ptr<TlsSession> session;
  TlsFailure failure;

 private:
  ssize_t Receive(void* into, size_t capacity) noexcept override {
    return socket.Receive(into, capacity);
  }
  ssize_t Send(const void* data, size_t size) noexcept override { return socket.Send(data, size); }
  bool IsQuiet() noexcept override { return socket.Peek() == -EAGAIN; }
};

class Tls : public testing::Test {
 protected:
  std::shared_ptr<TlsContext> Trusting(TlsOptions options = {}) {
    if (options.ca_file.empty()) options.ca_file = authority_.file();
    TlsFailure failure;
    auto context = TlsContext::Create(options, &failure);
    EXPECT_TRUE(context) << failure.text;
    return context;
  }
  // What a handshake with `identity` for `host` fails with.
  TlsFailure FailureOf(const test::Identity& identity, const std::string& host,
                       std::shared_ptr<TlsContext> context = nullptr) {
    const TlsServerContext server_context(identity);
    Server server([&](int fd) { TlsPeer peer(server_context, fd); });
    Client client(context ? context : Trusting(), server.port(), host);
    EXPECT_EQ(client.Handshake(), TlsState::kFailed);
    EXPECT_EQ(ERR_peek_error(), 0u);
    EXPECT_EQ(client.Handshake(), TlsState::kFailed) << "and so again";
    return client.session->failure();
  }

  Authority authority_;
  const TlsServerContext good_{authority_.Sign(kHere)};
};

TEST_F(Tls, TalksAndEndsCleanly) {
  std::string asked, name;
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    ASSERT_TRUE(peer.accepted());
    name = peer.server_name();
    asked = peer.ReadUntil("\n");
    peer.Send("answer");
    peer.CloseNotify();
  });
  Client client(Trusting(), server.port(), "localhost");
  ASSERT_EQ(client.Handshake(), TlsState::kDone) << client.session->failure().text;
  EXPECT_STREQ(client.session->version(), "TLSv1.3");
  EXPECT_EQ(client.session->alpn(), "http/1.1");
  EXPECT_FALSE(client.session->resumed());
  EXPECT_STRNE(client.session->cipher(), "(NONE)");
  char hello[] = "hel", rest[] = "lo\n";
  const iovec parts[] = {{hello, 3}, {nullptr, 0}, {rest, 3}, {nullptr, 0}};
  const TlsResult sent = client.session->Write(parts, 4);
  EXPECT_EQ(sent.state, TlsState::kDone);
  EXPECT_EQ(sent.size, 6u);
  TlsState end;
  EXPECT_EQ(client.ReadAll(&end), "answer");
  EXPECT_EQ(end, TlsState::kEnd);
  char byte;
  EXPECT_EQ(client.session->Read(&byte, 1).state, TlsState::kEnd) << "and so again";
  EXPECT_EQ(asked, "hello\n");
  EXPECT_EQ(name, "localhost");
}

TEST_F(Tls, TellsTruncation) {
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    peer.Send("half an ans");
    shutdown(fd, SHUT_WR);
    test::AwaitEnd(fd);
  });
  Client client(Trusting(), server.port(), "localhost");
  ASSERT_EQ(client.Handshake(), TlsState::kDone);
  TlsState end;
  EXPECT_EQ(client.ReadAll(&end), "half an ans");
  EXPECT_EQ(end, TlsState::kTruncated);
  EXPECT_TRUE(client.session->failure().disconnected);
  EXPECT_NE(client.session->failure().text.find("close_notify"), std::string::npos);
}

TEST_F(Tls, ChecksIpAddressesAndSendsNoNameForThem) {
  const char* name = "?";
  Server server([&](int fd) { name = TlsPeer(good_, fd).server_name(); });
  {
    Client client(Trusting(), server.port(), "127.0.0.1");
    ASSERT_EQ(client.Handshake(), TlsState::kDone) << client.session->failure().text;
    TlsState end;
    client.ReadAll(&end);
  }
  EXPECT_EQ(name, nullptr);
}

TEST_F(Tls, IgnoresTheDotOfAnAbsoluteName) {
  Server server([&](int fd) { EXPECT_STREQ(TlsPeer(good_, fd).server_name(), "localhost"); });
  Client client(Trusting(), server.port(), "localhost.");
  EXPECT_EQ(client.Handshake(), TlsState::kDone) << client.session->failure().text;
  TlsState end;
  client.ReadAll(&end);
}

TEST_F(Tls, RefusesOtherHosts) {
  const auto identity = authority_.Sign(kHere);
  for (const char* host : {"example.org", "a.b.example.org", "localhost.example.com", "localhos"}) {
    const TlsFailure failure = FailureOf(identity, host);
    EXPECT_EQ(failure.verify, X509_V_ERR_HOSTNAME_MISMATCH) << host;
    EXPECT_NE(failure.text.find("check the URL"), std::string::npos) << failure.text;
  }
  EXPECT_EQ(FailureOf(identity, "127.0.0.2").verify, X509_V_ERR_IP_ADDRESS_MISMATCH);
  EXPECT_EQ(FailureOf(identity, "::1").verify, X509_V_ERR_IP_ADDRESS_MISMATCH);
  EXPECT_EQ(FailureOf(identity, "fe80::1%1").verify, X509_V_ERR_IP_ADDRESS_MISMATCH);
}

TEST_F(Tls, RefusesExpiredUnknownAndSelfSigned) {
  EXPECT_EQ(FailureOf(authority_.Sign(kHere, -60), "localhost").verify,
            X509_V_ERR_CERT_HAS_EXPIRED);
  const Authority other;
  const TlsFailure unknown = FailureOf(other.Sign(kHere), "localhost");
  EXPECT_NE(unknown.verify, 0);
  EXPECT_NE(unknown.text.find("ca_file"), std::string::npos) << unknown.text;
  EXPECT_NE(FailureOf(test::MakeIdentity(nullptr, kHere), "localhost").verify, 0);
  TlsFailure failure;
  EXPECT_NE(FailureOf(authority_.Sign(kHere), "localhost", TlsContext::Create({}, &failure)).verify,
            0)
      << "the system does not know our authority";
}

// What is trusted is an anchor: neither an intermediate CA nor a server's own certificate needs the
// root above it.
TEST_F(Tls, TrustsWhatItIsGiven) {
  const test::Identity intermediate = test::MakeIdentity(&authority_.identity(), nullptr);
  const test::Identity leaf = test::MakeIdentity(&intermediate, kHere);
  const TlsServerContext server_context(leaf);
  SSL_CTX_add1_chain_cert(server_context.get(), intermediate.certificate.get());
  Server server([&](int fd) { TlsPeer(server_context, fd).CloseNotify(); });
  const test::TrustFile trust_intermediate(intermediate), trust_leaf(leaf);
  for (const char* file : {authority_.file(), trust_intermediate.path(), trust_leaf.path()}) {
    Client client(Trusting({.ca_file = file}), server.port(), "localhost");
    EXPECT_EQ(client.Handshake(), TlsState::kDone) << client.session->failure().text;
    TlsState end;
    client.ReadAll(&end);
  }
  // The names are checked all the same, and so is who signed.
  EXPECT_EQ(FailureOf(leaf, "other.example", Trusting({.ca_file = trust_leaf.path()})).verify,
            X509_V_ERR_HOSTNAME_MISMATCH);
  EXPECT_NE(FailureOf(authority_.Sign(kHere), "localhost",
                      Trusting({.ca_file = trust_intermediate.path()}))
                .verify,
            0);
}

// A URL may name a host with '_': so does the check of certificates, for wildcards too.
TEST_F(Tls, WildcardsCoverUnderscores) {
  const auto identity =
      authority_.Sign("DNS:*.example.org,DNS:*.x_y.example.org,DNS:*.org,DNS:ex_act.test");
  const TlsServerContext server_context(identity);
  Server server([&](int fd) { TlsPeer(server_context, fd).CloseNotify(); });
  for (const char* host : {"a_b.example.org", "_.EXAMPLE.org", "a_b.example.org.",
                           "_x.x_y.example.org", "ex_act.test"}) {
    Client client(Trusting(), server.port(), host);
    EXPECT_EQ(client.Handshake(), TlsState::kDone) << host << client.session->failure().text;
    TlsState end;
    client.ReadAll(&end);
  }
  for (const char* host : {"a_b.c.example.org", "a_b.org", "a_b.example.com", "example_org",
                           "c.a_b.example.org", "ex_act2.test", "a_b.x-y.example.org"})
    EXPECT_EQ(FailureOf(identity, host).verify, X509_V_ERR_HOSTNAME_MISMATCH) << host;
  EXPECT_EQ(FailureOf(authority_.Sign("DNS:*.example.org", -60), "a_b.example.org").verify,
            X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST_F(Tls, TakesAnythingIfToldTo) {
  const TlsServerContext expired(test::MakeIdentity(nullptr, "DNS:elsewhere", -60));
  Server server([&](int fd) { TlsPeer peer(expired, fd); });
  TlsFailure failure;
  Client client(TlsContext::Create({.verify = false}, &failure), server.port(), "localhost");
  EXPECT_EQ(client.Handshake(), TlsState::kDone) << client.session->failure().text;
}

TEST_F(Tls, RefusesWhatIsNoHost) {
  Server server([](int fd) { test::AwaitEnd(fd); });
  for (const std::string& host : {std::string(), std::string("."), std::string("a\0b", 3)}) {
    Client client(Trusting(), server.port(), host);
    EXPECT_FALSE(client.session);
    EXPECT_NE(client.failure.text, "");
  }
}

TEST_F(Tls, SaysWhatIsWrongWithTheOtherEnd) {
  struct Case {
    Server::Script script;
    const char* text;
    bool disconnected;
  };
  const Case cases[] = {
      {[](int fd) { test::SendAll(fd, "HTTP/1.1 400 Bad Request\r\n\r\n"); }, "speak TLS", false},
      {[](int) {}, "", true},
      {[](int fd) { test::ResetAtClose(fd); }, "", true},
      {[](int fd) {
         recv(fd, std::string(1, 0).data(), 1, 0);
         shutdown(fd, SHUT_WR);
         test::AwaitEnd(fd);
       },
       "during the TLS handshake", true},
  };
  for (const Case& c : cases) {
    Server server(c.script);
    Client client(Trusting(), server.port(), "localhost");
    EXPECT_EQ(client.Handshake(), TlsState::kFailed);
    const TlsFailure& failure = client.session->failure();
    EXPECT_NE(failure.text.find(c.text), std::string::npos) << failure.text;
    EXPECT_EQ(failure.disconnected, c.disconnected) << failure.text;
    EXPECT_EQ(failure.verify, 0);
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
}

TEST_F(Tls, ResumesSessions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsServerContext server_context(authority_.Sign(kHere), version);
    Server server([&](int fd) {
      TlsPeer peer(server_context, fd);
      peer.Send("hello");
      peer.CloseNotify();
      peer.Drain(nullptr);
    });
    const auto context = Trusting();
    for (int i = 0; i < 4; i++) {
      Client client(context, server.port(), "localhost");
      ASSERT_EQ(client.Handshake(), TlsState::kDone) << client.session->failure().text;
      TlsState end;
      EXPECT_EQ(client.ReadAll(&end), "hello");
      EXPECT_EQ(client.session->resumed(), i > 0) << "version " << version << ", time " << i;
      EXPECT_GT(context->cache().size(), 0u);
      client.session->SendCloseNotify();
    }
    Client other(context, server.port(), "127.0.0.1");
    ASSERT_EQ(other.Handshake(), TlsState::kDone);
    EXPECT_FALSE(other.session->resumed()) << "it was checked for another host";
  }
}

TEST_F(Tls, CacheIsBounded) {
  TlsCache cache(6);
  const auto session = [] {
    // Good enough to be kept: it has an id.
    SSL_SESSION* made = SSL_SESSION_new();
    SSL_SESSION_set1_id(made, reinterpret_cast<const unsigned char*>("id"), 2);
    SSL_SESSION_set_protocol_version(made, TLS1_3_VERSION);
    return made;
  };
  for (int i = 0; i < 10; i++) ASSERT_TRUE(cache.Put("one:443", session()));
  EXPECT_EQ(cache.size(), 4u);
  for (int i = 0; i < 10; i++) ASSERT_TRUE(cache.Put("host" + std::to_string(i), session()));
  EXPECT_EQ(cache.size(), 6u);
  EXPECT_EQ(cache.Take("one:443"), nullptr);
  SSL_SESSION* taken = cache.Take("host9");
  ASSERT_NE(taken, nullptr);
  SSL_SESSION_free(taken);
  EXPECT_EQ(cache.Take("host9"), nullptr) << "once only";
  cache.Avoid("host7");
  EXPECT_EQ(cache.Take("host7"), nullptr);
  EXPECT_EQ(cache.size(), 5u) << "one was taken, and the mark is in the place of the other";
  SSL_SESSION* refused = session();
  EXPECT_FALSE(cache.Put("host7", refused)) << "none is kept";
  cache.Drop("host7");
  EXPECT_FALSE(cache.Put("host7", refused)) << "still not";
  SSL_SESSION_free(refused);
  cache.Drop("host8");
  EXPECT_EQ(cache.size(), 4u);
  TlsCache none(0);
  SSL_SESSION* unwanted = session();
  EXPECT_FALSE(none.Put("one:443", unwanted));
  SSL_SESSION_free(unwanted);
}

TEST_F(Tls, MovesMuchBothWays) {
  const std::string much(5'000'000, 'x');
  size_t received = 0;
  bool clean = false;
  {
    Server server([&](int fd) {
      TlsPeer peer(good_, fd);
      peer.Send(much);
      received = peer.Drain(&clean);
    });
    Client client(Trusting(), server.port(), "localhost");
    ASSERT_EQ(client.Handshake(), TlsState::kDone);
    size_t got = 0;
    std::string into(7777, 0);  // no multiple of a record
    while (got < much.size()) {
      const TlsResult result = client.session->Read(into.data(), into.size());
      got += result.size;
      if (result.state == TlsState::kDone && client.session->pending()) continue;
      if (result.state == TlsState::kDone && result.size == into.size()) continue;
      ASSERT_TRUE(result.state == TlsState::kDone || client.Wait(result.state));
    }
    EXPECT_EQ(got, much.size());
    EXPECT_TRUE(client.Write(much));
    client.session->SendCloseNotify();
    client.socket.ShutdownSend();
    TlsState end;
    client.ReadAll(&end);
  }
  EXPECT_EQ(received, much.size());
  EXPECT_TRUE(clean);
}

TEST_F(Tls, WriteToAClosedPeerIsAnErrorAndNoSignal) {
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    test::ResetAtClose(fd);
  });
  Client client(Trusting(), server.port(), "localhost");
  ASSERT_EQ(client.Handshake(), TlsState::kDone);
  TlsState end;
  client.ReadAll(&end);
  EXPECT_FALSE(client.Write("x"));
  EXPECT_EQ(client.session->failure().system_errno, EPIPE);
  EXPECT_FALSE(client.Write("x"));
  client.session->SendCloseNotify();
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST_F(Tls, IdleConnectionsMayGetTicketsButNothingElse) {
  std::atomic<int> step{0};
  Server server([&](int fd) {
    TlsPeer peer(good_, fd);
    test::ReadUntil(fd, std::string(1, '\x17'));  // a record arrives: its type
    SSL_new_session_ticket(peer.get());
    SSL_do_handshake(peer.get());
    step = 1;
    test::AwaitEnd(fd);
  });
  Client client(Trusting(), server.port(), "localhost");
  ASSERT_EQ(client.Handshake(), TlsState::kDone);
  EXPECT_TRUE(client.session->Quiet());
  EXPECT_TRUE(client.Write("x"));
  ASSERT_TRUE(Await(client.socket.fd(), POLLIN));
  while (step == 0) std::this_thread::yield();
  EXPECT_TRUE(client.session->Quiet());
}

TEST_F(Tls, IdleConnectionsThatCloseOrTalkAreNotQuiet) {
  for (const bool talk : {false, true}) {
    Server server([&](int fd) {
      TlsPeer peer(good_, fd);
      if (talk)
        peer.Send("HTTP/1.1 408 Request Timeout\r\n\r\n");
      else
        peer.CloseNotify();
      test::AwaitEnd(fd);
    });
    Client client(Trusting({.max_sessions = 0}), server.port(), "localhost");
    ASSERT_EQ(client.Handshake(), TlsState::kDone);
    while (client.session->Quiet()) ASSERT_TRUE(Await(client.socket.fd(), POLLIN));
    EXPECT_FALSE(client.session->Quiet());
    char byte;
    client.session->LowerReadable();
    EXPECT_EQ(client.session->Read(&byte, 1).state, talk ? TlsState::kDone : TlsState::kEnd);
  }
}

TEST_F(Tls, CannotBeMadeFromBadFiles) {
  TlsFailure failure;
  EXPECT_FALSE(TlsContext::Create({.ca_file = "/no/such/file"}, &failure));
  EXPECT_EQ(failure.system_errno, ENOENT);
  EXPECT_NE(failure.text.find("/no/such/file"), std::string::npos);
  char path[] = "/tmp/creche-empty-XXXXXX";
  const UniqueFd file(mkstemp(path));
  std::ofstream(path) << "not a certificate\n";
  EXPECT_FALSE(TlsContext::Create({.ca_file = path}, &failure));
  EXPECT_EQ(failure.system_errno, 0);
  EXPECT_NE(failure.text.find("PEM"), std::string::npos);
  unlink(path);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace creche::platform
