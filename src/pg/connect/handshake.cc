#include "pg/connect/handshake.h"

#include <libpq-fe.h>
#include <sys/socket.h>

#include <charconv>
#include <string_view>
#include <system_error>

#include "pg/protocol/bytes.h"
#include "platform/socket.h"
#include "platform/tls_borrowed.h"

namespace creche::pg {

namespace {

// Codes of the message R.
enum Authentication : uint32_t {
  kOk = 0,
  kCleartext = 3,
  kMd5 = 5,
  kSasl = 10,
  kSaslContinue = 11,
};

constexpr size_t kLongest = 4096;  // of what a server says here, an error aside

// "r=nonce,s=salt,i=4096": the iterations; 0 if there are none.
uint64_t Iterations(std::string_view first) {
  const size_t at = first.find(",i=");
  if (at == first.npos) return 0;
  const char* digits = first.data() + at + 3;
  uint64_t iterations = 0;
  const auto read = std::from_chars(digits, first.data() + first.size(), iterations);
  return read.ec == std::errc::result_out_of_range ? UINT64_MAX : iterations;
}

}  // namespace

NextStep JudgeAuthentication(const char* bytes, size_t size, bool password) noexcept {
  if (size == 0) return {};
  if (bytes[0] != 'R') {
    // An error, or a notice in front of it; whatever else there is libpq complains of.
    const bool known = bytes[0] == 'E' || bytes[0] == 'N' || bytes[0] == 'v';
    return {.kind = known || !password ? NextStep::kHere : NextStep::kGarbled};
  }
  if (size < 9) return {.kind = password ? NextStep::kLater : NextStep::kHere};
  const uint32_t length = Load32(bytes + 1);
  const uint32_t code = Load32(bytes + 5);
  switch (code) {
    case kOk:
      return {.settled = password};
    case kCleartext:
    case kMd5:
    case kSasl:
      return {};
    case kSaslContinue:
      break;
    default:
      return {.kind = NextStep::kAway};  // Kerberos may ask its own servers
  }
  if (length < 8 || length > kLongest) return {.kind = NextStep::kGarbled};
  // Only all of it can be judged, and only then does libpq have all of it, too.
  if (size < size_t{length} + 1) return {.kind = NextStep::kLater};
  const uint64_t iterations = Iterations({bytes + 9, length - 8});
  if (iterations > kMostIterations) return {.kind = NextStep::kTooLong, .iterations = iterations};
  return {.kind = NextStep::kAway, .settled = true};
}

NextStep LookAhead(pg_conn* connection) noexcept {
  char bytes[kLongest + 1];
  void* tls = PQsslStruct(connection, "OpenSSL");
  switch (PQstatus(connection)) {
    case CONNECTION_SSL_STARTUP:
      // "S": now come the files of certificates; "N": without TLS, if that will do.
      if (!tls && platform::ReceiveFrom(PQsocket(connection), bytes, 1, MSG_PEEK) == 1 &&
          bytes[0] != 'S')
        return {};
      return {.kind = NextStep::kAway};
    case CONNECTION_AWAITING_RESPONSE: {
      const ssize_t n =
          tls ? static_cast<ssize_t>(platform::PeekTls(tls, bytes, sizeof bytes))
              : platform::ReceiveFrom(PQsocket(connection), bytes, sizeof bytes, MSG_PEEK);
      return JudgeAuthentication(bytes, n > 0 ? static_cast<size_t>(n) : 0,
                                 PQconnectionUsedPassword(connection) != 0);
    }
    default:
      return {};
  }
}

}  // namespace creche::pg
