#include "platform/socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <vector>

#include "io_peer.h"

namespace creche::platform {
namespace {

using test::Await;
using test::ClosedPort;
using test::Loopback;
using test::Server;

std::string TextOf(const char* literal) {
  const auto address = Address::Literal(literal);
  return address ? address->Text() : "none";
}

TEST(Address, TakesStrictLiterals) {
  EXPECT_EQ(TextOf("192.0.2.1"), "192.0.2.1:0");
  EXPECT_EQ(TextOf("2001:db8::1"), "[2001:db8::1]:0");
  EXPECT_EQ(TextOf("::ffff:192.0.2.1"), "[::ffff:192.0.2.1]:0");
  EXPECT_EQ(TextOf("fe80::1%1"), "[fe80::1%1]:0");
  EXPECT_EQ(TextOf("fe80::1%lo"), "[fe80::1%1]:0");
  Address address = *Address::Literal("::1");
  address.set_port(443);
  EXPECT_EQ(address.port(), 443);
  EXPECT_EQ(address.Text(), "[::1]:443");
}

TEST(Address, RefusesEverythingElse) {
  for (const char* text : {"",
                           "127.1",
                           "2130706433",
                           "017700000001",
                           "0x7f.1",
                           "0x7f000001",
                           "127.0.0.01",
                           "1.2.3.4.5",
                           "1.2.3.4.",
                           " 127.0.0.1",
                           "127.0.0.1 ",
                           "[::1]",
                           "::1]",
                           ":::1",
                           "::1%",
                           "fe80::1%0",
                           "fe80::1%no-such-interface",
                           "fe80::1%999999999999",
                           "127.0.0.1%1",
                           "localhost",
                           "1111:2222:3333:4444:5555:6666:7777:8888:9999",
                           "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"})
    EXPECT_EQ(TextOf(text), "none") << text;
  EXPECT_FALSE(Address::Literal(std::string_view("127.0.0.1\0x", 11)));
}

TEST(Address, TakesUnixPaths) {
  EXPECT_EQ(Address::Unix("/run/x")->Text(), "unix:/run/x");
  EXPECT_EQ(Address::Unix("@name")->Text(), "unix:@name");
  EXPECT_EQ(Address::Unix("/run/x")->port(), 0);
  EXPECT_TRUE(Address::Unix(std::string(107, 'a')));
  EXPECT_FALSE(Address::Unix(std::string(108, 'a')));
  EXPECT_FALSE(Address::Unix(""));
  EXPECT_FALSE(Address::Unix(std::string_view("/a\0b", 4)));
}

TEST(Address, OfNoKnownFamily) {
  sockaddr unknown{};
  unknown.sa_family = AF_APPLETALK;
  EXPECT_EQ(Address::From(&unknown, sizeof unknown).family(), AF_UNSPEC);
  unknown.sa_family = AF_INET6;  // too short for that
  EXPECT_EQ(Address::From(&unknown, sizeof unknown).family(), AF_UNSPEC);
  EXPECT_EQ(Address().Text(), "no address");
}

// Connects and waits for the result.
int ConnectTo(Socket* socket, const Address& to) {
  const int started = socket->Connect(to);
  if (started != EINPROGRESS) return started;
  return Await(socket->fd(), POLLOUT) ? socket->ConnectResult() : ETIMEDOUT;
}

TEST(Socket, ConnectsSendsAndReceives) {
  Server echo([](int fd) { test::SendAll(fd, test::ReadUntil(fd, "\n")); });
  Socket socket;
  ASSERT_EQ(ConnectTo(&socket, echo.address()), 0);
  EXPECT_EQ(socket.Peer(), echo.address());
  EXPECT_EQ(socket.Local().family(), AF_INET);

  char into[64];
  EXPECT_EQ(socket.Receive(into, sizeof into), -EAGAIN);
  EXPECT_EQ(socket.Peek(), -EAGAIN);
  char one[] = "in ", two[] = "parts\n";
  const iovec parts[] = {{one, 3}, {two, 6}};
  EXPECT_EQ(socket.Send(parts, 2), 9);
  ASSERT_TRUE(Await(socket.fd(), POLLIN));
  EXPECT_EQ(socket.Peek(), 1);
  ASSERT_EQ(socket.Receive(into, sizeof into), 9);
  EXPECT_EQ(std::string(into, 9), "in parts\n");
  ASSERT_TRUE(Await(socket.fd(), POLLIN));
  EXPECT_EQ(socket.Peek(), 0);
  EXPECT_EQ(socket.Receive(into, sizeof into), 0);
}

TEST(Socket, IsCloseOnExecNonBlockingAndUndelayed) {
  Server server([](int fd) { test::AwaitEnd(fd); });
  Socket socket;
  ASSERT_EQ(ConnectTo(&socket, server.address()), 0);
  EXPECT_TRUE(fcntl(socket.fd(), F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(fcntl(socket.fd(), F_GETFL) & O_NONBLOCK);
  int on = 0;
  socklen_t size = sizeof on;
  getsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, &size);
  EXPECT_NE(on, 0);
}

TEST(Socket, SaysWhenNobodyListens) {
  ClosedPort closed;
  Socket socket;
  EXPECT_EQ(ConnectTo(&socket, closed.address()), ECONNREFUSED);
  EXPECT_EQ(ConnectTo(&socket, *Address::Unix("/no/such/socket")), ENOENT);
  EXPECT_EQ(ConnectTo(&socket, *Address::Unix("@no such socket")), ECONNREFUSED);
}

TEST(Socket, ConnectsToUnixSockets) {
  const auto address = *Address::Unix("@creche-test-" + std::to_string(getpid()));
  Server server(address, [](int fd) { test::SendAll(fd, "x"); });
  Socket socket;
  ASSERT_EQ(ConnectTo(&socket, address), 0);
  EXPECT_EQ(socket.Peer(), address);
  EXPECT_EQ(socket.Local().Text(), "unix:");
}

TEST(Socket, TellsAFullUnixBacklog) {
  const auto address = *Address::Unix("@creche-full-" + std::to_string(getpid()));
  const UniqueFd listener = test::Listen(address, 0);
  std::vector<Socket> waiting(16);
  int failed = 0;
  for (Socket& socket : waiting)
    if ((failed = socket.Connect(address)) != 0) break;
  EXPECT_EQ(failed, EAGAIN);
}

// A process that does not ignore SIGPIPE would die here.
TEST(Socket, NeverRaisesSigpipe) {
  struct sigaction before;
  sigaction(SIGPIPE, nullptr, &before);
  ASSERT_EQ(before.sa_handler, SIG_DFL);
  Server server([](int fd) {
    test::ReadUntil(fd, "\n");
    test::ResetAtClose(fd);
  });
  Socket socket;
  ASSERT_EQ(ConnectTo(&socket, server.address()), 0);
  ASSERT_EQ(socket.Send("\n", 1), 1);
  ASSERT_TRUE(Await(socket.fd(), POLLIN));
  char byte;
  EXPECT_EQ(socket.Receive(&byte, 1), -ECONNRESET);
  EXPECT_EQ(socket.Send("x", 1), -EPIPE);
  socket.ShutdownSend();
}

TEST(Socket, EndsSending) {
  std::string got;
  {
    Server server([&](int fd) {
      got = test::ReadUntil(fd, "never");
      test::SendAll(fd, "bye");
    });
    Socket socket;
    ASSERT_EQ(ConnectTo(&socket, server.address()), 0);
    EXPECT_EQ(socket.Send("all", 3), 3);
    socket.ShutdownSend();
    ASSERT_TRUE(Await(socket.fd(), POLLIN));
    char into[8];
    EXPECT_EQ(socket.Receive(into, sizeof into), 3);
    EXPECT_EQ(socket.Send("x", 1), -EPIPE);
  }
  EXPECT_EQ(got, "all");
}

}  // namespace
}  // namespace creche::platform
