// What the next step of a handshake is, looked at before libpq takes it: whether it may stop its
// thread for a while (TLS with its files and signatures, SCRAM's key derivation, Kerberos), so that
// it belongs on a worker, and whether it is one that nobody should take at all: how long the
// derivation lasts is the server's choice.
#pragma once
#include <cstddef>
#include <cstdint>

struct pg_conn;

namespace creche::pg {

struct NextStep {
  enum Kind : uint8_t {
    kHere,     // quick: on the loop
    kAway,     // on a worker
    kLater,    // a message is there in part: look again soon
    kTooLong,  // more iterations than kMostIterations
    kGarbled,  // nothing that a server says here
  };
  Kind kind = kHere;
  bool settled = false;     // what follows is always quick
  uint64_t iterations = 0;  // of kTooLong
};

// PostgreSQL's default is 4096; a million take a second or more of a core.
inline constexpr uint64_t kMostIterations = 1'000'000;

// Looks at what has arrived, without taking it. Loop's thread; the connection is in the middle of
// PQconnectPoll.
NextStep LookAhead(pg_conn* connection) noexcept;

// What a message says that is the first of these bytes. password: libpq has sent something that was
// made from one, so the server's next message begins with the first byte.
NextStep JudgeAuthentication(const char* bytes, size_t size, bool password) noexcept;

}  // namespace creche::pg
