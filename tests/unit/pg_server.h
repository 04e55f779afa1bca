// A server of PostgreSQL's protocol at the other end of a socket pair, on the test's own thread:
// what it has been sent is read when the test asks, and it says what the test tells it to.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "pg/wire/endpoint.h"
#include "pg_wire.h"
#include "platform/unique_fd.h"

namespace creche::pg::test {

// A cancel request that the test ends.
class FakeCancel final : public Cancel {
 public:
  explicit FakeCancel(Listener* listener) : listener_(listener) {}
  void Forget() noexcept override { listener_ = nullptr; }
  void End() {
    Listener* listener = std::exchange(listener_, nullptr);
    if (listener) listener->CancelDone();
  }
  bool forgotten() const { return !listener_; }

 private:
  Listener* listener_;
};

class FakeServer {
 public:
  FakeServer() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    mine_ = platform::UniqueFd(fds[0]);
    theirs_ = platform::UniqueFd(fds[1]);
  }
  // Of the connection; once. process: what the handshake has named; 0: a pooler's.
  std::unique_ptr<Endpoint> TakeEndpoint(int process = 0) {
    client_fd = theirs_.get();
    return std::make_unique<End>(*this, std::move(theirs_), process);
  }

  struct Sent {
    char type;
    std::string body;
  };
  // Whole messages that have come since the last call.
  std::vector<Sent> Take() {
    char bytes[4096];
    for (ssize_t n; (n = recv(mine_.get(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
      unread_.append(bytes, static_cast<size_t>(n));
    std::vector<Sent> sent;
    while (unread_.size() >= 5) {
      const size_t size = 1 + Load32(unread_.data() + 1);
      if (unread_.size() < size) break;
      sent.push_back({unread_[0], unread_.substr(5, size - 5)});
      unread_.erase(0, size);
    }
    return sent;
  }
  // Their types only.
  std::string TakeTypes() {
    std::string types;
    for (const Sent& sent : Take()) types += sent.type;
    return types;
  }

  void Say(const std::string& bytes) {
    EXPECT_EQ(send(mine_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void HangUp() { mine_.Reset(); }

  std::vector<Ref<FakeCancel>> cancels;
  bool ended = false;  // the connection was closed
  int client_fd = -1;

 private:
  class End final : public Endpoint {
   public:
    End(FakeServer& server, platform::UniqueFd fd, int process)
        : server_(server), fd_(std::move(fd)), process_(process) {}
    ~End() override { server_.ended = true; }
    int fd() const noexcept override { return fd_.get(); }
    void* ssl() const noexcept override { return nullptr; }
    int process() const noexcept override { return process_; }
    const char* parameter(const char*) const noexcept override { return nullptr; }
    Ref<Cancel> SendCancel(Loop&, Cancel::Listener* listener) noexcept override {
      server_.cancels.push_back(MakeRef<FakeCancel>(listener));
      return server_.cancels.back();
    }

   private:
    FakeServer& server_;
    const platform::UniqueFd fd_;
    const int process_;
  };

  platform::UniqueFd mine_;
  platform::UniqueFd theirs_;
  std::string unread_;
};

// ---- What it says ----

inline std::string Ready(char status = 'I') {
  return Message('Z', std::string(1, status));
}
inline std::string Tag(const std::string& tag) {
  return Message('C', Text(tag));
}
inline std::string Error(const char* state, const char* severity = "ERROR") {
  return Message('E', FieldsBody({{'S', severity}, {'V', severity}, {'C', state}, {'M', "no"}}));
}
inline std::string IntColumn() {
  return Message('T', ColumnsBody({{"n", 23}}));
}
inline std::string IntRow(uint32_t n) {
  return Message('D', RowBody({Big32(n)}));
}
// To a statement that is parsed, bound, described and executed: one row.
inline std::string Parsed() {
  return Message('1', "");
}
inline std::string Bound() {
  return Message('2', "");
}
inline std::string OneInt(uint32_t n) {
  return Parsed() + Bound() + IntColumn() + IntRow(n) + Tag("SELECT 1") + Ready();
}

}  // namespace creche::pg::test
