// The other end for tests of sockets, TLS and the loop: a listener with a script for each
// connection on a thread of its own, a private certificate authority, a server's side of TLS.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "platform/address.h"
#include "platform/unique_fd.h"

namespace creche::test {

using platform::Address;
using platform::UniqueFd;

inline Address Loopback(uint16_t port) {
  Address address = *Address::Literal("127.0.0.1");
  address.set_port(port);
  return address;
}

// A listening socket on a free port of `host`, or at a Unix path.
inline UniqueFd Listen(const Address& at, int backlog = 64) {
  UniqueFd fd(socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(bind(fd.get(), at.get(), at.size()), 0);
  EXPECT_EQ(listen(fd.get(), backlog), 0);
  return fd;
}

inline uint16_t PortOf(int fd) {
  sockaddr_in6 address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin6_port);  // at the same place for IPv4
}

// A port of 127.0.0.1 that refuses connections as long as this lives: bound, but not listening.
class ClosedPort {
 public:
  ClosedPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const Address any = Loopback(0);
    EXPECT_EQ(bind(fd_.get(), any.get(), any.size()), 0);
  }
  Address address() const { return Loopback(PortOf(fd_.get())); }

 private:
  UniqueFd fd_;
};

// Accepts connections one after the other and runs the script with each (blocking, its own thread).
// The connection is closed when the script returns.
class Server {
 public:
  using Script = std::function<void(int fd)>;
  explicit Server(Script script) : Server(Loopback(0), std::move(script)) {}
  Server(const Address& at, Script script) : listener_(Listen(at)), script_(std::move(script)) {
    port_ = PortOf(listener_.get());
    thread_ = std::thread([this] { Run(); });
  }
  ~Server() {
    stopping_ = true;
    shutdown(listener_.get(), SHUT_RDWR);  // accept fails now
    const int peer = peer_.load();
    if (peer >= 0) shutdown(peer, SHUT_RDWR);
    thread_.join();
  }
  uint16_t port() const { return port_; }
  Address address() const { return Loopback(port_); }
  int accepted() const { return accepted_; }

 private:
  void Run() {
    // OpenSSL's own transport writes without MSG_NOSIGNAL: a SIGPIPE of this end is not the test's.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    for (;;) {
      const UniqueFd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer) return;
      accepted_++;
      peer_ = peer.get();
      if (!stopping_) script_(peer.get());
      peer_ = -1;
    }
  }

  UniqueFd listener_;
  Script script_;
  uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::atomic<int> peer_{-1};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// What arrives until `end` does or the connection ends.
inline std::string ReadUntil(int fd, const std::string& end) {
  std::string got;
  char byte;
  while (got.find(end) == got.npos && recv(fd, &byte, 1, 0) == 1) got += byte;
  return got;
}
inline void SendAll(int fd, const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (n <= 0) return;
    at += static_cast<size_t>(n);
  }
}
// Waits until the other side has closed.
inline void AwaitEnd(int fd) {
  char bytes[4096];
  while (recv(fd, bytes, sizeof bytes, 0) > 0) {
  }
}
// Closes with a RST when the script returns.
inline void ResetAtClose(int fd) {
  const linger hard{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

struct Identity {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;
};

// Signed by `issuer`, or by itself. names: "DNS:localhost,IP:127.0.0.1"; null: of an authority.
// seconds: of life.
inline Identity MakeIdentity(const Identity* issuer, const char* names, long seconds = 3600) {
  Identity made{{X509_new(), X509_free}, {EVP_EC_gen("P-256"), EVP_PKEY_free}};
  X509* x509 = made.certificate.get();
  X509* signer = issuer ? issuer->certificate.get() : x509;
  static std::atomic<long> serial{1};
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
  X509_gmtime_adj(X509_getm_notBefore(x509), -86400);
  X509_gmtime_adj(X509_getm_notAfter(x509), seconds);
  const auto* name = reinterpret_cast<const unsigned char*>(!issuer ? "authority"
                                                            : names ? "server"
                                                                    : "intermediate");
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC, name, -1, -1, 0);
  X509_set_issuer_name(x509, X509_get_subject_name(signer));
  X509_set_pubkey(x509, made.key.get());
  X509V3_CTX context;
  X509V3_set_ctx(&context, signer, x509, nullptr, nullptr, 0);
  const std::pair<int, const char*> extensions[] = {
      {NID_basic_constraints, issuer && names ? "critical,CA:FALSE" : "critical,CA:TRUE"},
      {NID_subject_alt_name, names}};
  for (const auto& [what, value] : extensions) {
    if (!value) continue;
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(x509, issuer ? issuer->key.get() : made.key.get(), EVP_sha256());
  return made;
}

// A certificate in a file, to be trusted.
class TrustFile {
 public:
  explicit TrustFile(const Identity& identity) {
    const UniqueFd fd(mkstemp(path_));
    FILE* file = fdopen(dup(fd.get()), "w");
    PEM_write_X509(file, identity.certificate.get());
    fclose(file);
  }
  ~TrustFile() { unlink(path_); }
  TrustFile(const TrustFile&) = delete;
  TrustFile& operator=(const TrustFile&) = delete;
  const char* path() const { return path_; }

 private:
  char path_[32] = "/tmp/creche-ca-XXXXXX";
};

// A certificate authority whose certificate is in a file.
class Authority {
 public:
  Authority() : identity_(MakeIdentity(nullptr, nullptr)), file_(identity_) {}
  const char* file() const { return file_.path(); }
  const Identity& identity() const { return identity_; }
  Identity Sign(const char* names, long seconds = 3600) const {
    return MakeIdentity(&identity_, names, seconds);
  }

 private:
  Identity identity_;
  TrustFile file_;
};

// What TLS servers of a test share.
class TlsServerContext {
 public:
  explicit TlsServerContext(const Identity& identity, int max_version = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    SSL_CTX_use_certificate(get(), identity.certificate.get());
    SSL_CTX_use_PrivateKey(get(), identity.key.get());
    SSL_CTX_set_max_proto_version(get(), max_version);
    SSL_CTX_set_alpn_select_cb(
        get(),
        [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned,
           void*) {
          *out = in + 1;  // the first that is offered
          *size = in[0];
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
  }
  SSL_CTX* get() const { return context_.get(); }

 private:
  std::shared_ptr<SSL_CTX> context_;
};

// The server's side of one connection; blocking.
class TlsPeer {
 public:
  TlsPeer(const TlsServerContext& context, int fd) : ssl_(SSL_new(context.get()), SSL_free) {
    SSL_set_fd(ssl_.get(), fd);
    accepted_ = SSL_accept(ssl_.get()) == 1;
  }
  ~TlsPeer() { ERR_clear_error(); }
  bool accepted() const { return accepted_; }
  SSL* get() const { return ssl_.get(); }
  void Send(const std::string& text) {
    for (size_t at = 0; at < text.size();) {
      const int n = SSL_write(ssl_.get(), text.data() + at,
                              static_cast<int>(std::min<size_t>(text.size() - at, 1 << 20)));
      if (n <= 0) return;
      at += static_cast<size_t>(n);
    }
  }
  std::string ReadUntil(const std::string& end) {
    std::string got;
    char byte;
    while (got.find(end) == got.npos && SSL_read(ssl_.get(), &byte, 1) == 1) got += byte;
    return got;
  }
  // Takes that many bytes.
  void Read(size_t size) {
    char bytes[16384];
    while (size > 0) {
      const int n = SSL_read(ssl_.get(), bytes, static_cast<int>(std::min(size, sizeof bytes)));
      if (n <= 0) return;
      size -= static_cast<size_t>(n);
    }
  }
  // Bytes received until the client ends, and whether it said so.
  size_t Drain(bool* clean) {
    size_t total = 0;
    char bytes[16384];
    for (int n; (n = SSL_read(ssl_.get(), bytes, sizeof bytes)) > 0;)
      total += static_cast<size_t>(n);
    if (clean) *clean = (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    return total;
  }
  void CloseNotify() { SSL_shutdown(ssl_.get()); }
  const char* server_name() const {
    return SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  }

 private:
  std::shared_ptr<SSL> ssl_;
  bool accepted_ = false;
};

// What a proxy does with its two ends, until one of them closes: `plain` is what `client` carries.
inline void Relay(TlsPeer& client, int client_fd, int plain) {
  char bytes[16384];
  for (;;) {
    pollfd ends[2] = {{client_fd, POLLIN, 0}, {plain, POLLIN, 0}};
    if (SSL_pending(client.get()) == 0 && poll(ends, 2, 10'000) < 1) return;
    if (SSL_pending(client.get()) > 0 || ends[0].revents != 0) {
      const int n = SSL_read(client.get(), bytes, sizeof bytes);
      if (n <= 0) return;
      SendAll(plain, std::string(bytes, static_cast<size_t>(n)));
    }
    if (ends[1].revents != 0) {
      const ssize_t n = recv(plain, bytes, sizeof bytes, 0);
      if (n <= 0) return;
      client.Send(std::string(bytes, static_cast<size_t>(n)));
    }
  }
}

// Waits until a descriptor is ready for POLLIN or POLLOUT; false after ten seconds.
inline bool Await(int fd, short what) {
  pollfd wanted{fd, what, 0};
  return poll(&wanted, 1, 10'000) == 1;
}

}  // namespace creche::test
