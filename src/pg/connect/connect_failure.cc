// What a connector says when it fails.
#include <libpq-fe.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "pg/connect/connect_calls.h"
#include "pg/connect/handshake.h"
#include "pg/connect/libpq_connector.h"
#include "pg/protocol/server_error.h"

namespace creche::pg {

namespace {

// "FATAL:  28P01: password ..." has the state that libpq does not tell otherwise while connecting.
std::string StateIn(const std::string& message) {
  for (size_t at = message.find(": "); at != message.npos; at = message.find(": ", at + 1)) {
    const size_t end = at + 7;
    if (end >= message.size() || message[end] != ':') continue;
    const std::string state = message.substr(at + 2, 5);
    // The severity in front may have five letters, too ("FATAL"); a state has digits.
    if (state.find_first_of("0123456789") == state.npos) continue;
    if (std::all_of(state.begin(), state.end(),
                    [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); }))
      return state;
  }
  return {};
}

// Nobody has answered, or nobody is taken now, or the session is not of the kind that is asked for:
// another server may do.
bool MayBeBetterElsewhere(const ErrorRef& failure) {
  const std::string_view state = failure->fields().sqlstate;
  return state.empty() || state.substr(0, 2) == "53" || state.substr(0, 3) == "57P";
}

}  // namespace

Phase LibpqConnector::PhaseNow() const noexcept {
  switch (PQstatus(connection_)) {
    case CONNECTION_NEEDED:
    case CONNECTION_STARTED:
    case CONNECTION_MADE:
      return Phase::kConnect;
    case CONNECTION_SSL_STARTUP:
      return Phase::kTls;
    default:
      return Phase::kAuth;
  }
}

std::string LibpqConnector::TargetText() const {
  if (next_try_ == 0 || !info_) return "the server";
  const Try& now = tries_[next_try_ - 1];
  if (info_->secrets.slip()) return "the server";
  std::string text = info_->secrets.Hide(info_->targets[now.target].Text());
  if (!now.address.empty()) text += " (" + now.address + ")";
  return text;
}

ErrorRef LibpqConnector::DnsError(const ErrorRef& why) const noexcept {
  try {
    const ErrorFields& fields = why->fields();
    if (fields.status == static_cast<int32_t>(Status::kNoMemory)) return why;
    // What cannot be a name at all is a slip of the pen in the DSN.
    const bool wrong = fields.status != static_cast<int32_t>(Status::kDns);
    return MakeError(
        ErrorInfo{.status = wrong ? Status::kInvalid : Status::kDns,
                  .phase = wrong ? Phase::kOptions : Phase::kDns,
                  .message = info_->secrets.Say(fields.message, "a host could not be resolved") +
                             (wrong ? "; check the host in the DSN" : ""),
                  .flags = fields.flags,
                  .system_errno = fields.system_errno,
                  .cause = error_});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

ErrorRef LibpqConnector::TimeoutError() const noexcept {
  try {
    return MakeError(
        ErrorInfo{.status = Status::kTimeout,
                  .phase = phase_,
                  .message = asking_ ? "there was no password for " + TargetText() +
                                           " in time: the function that gives it has not returned"
                                     : "no connection to " + TargetText() +
                                           " in time; check that it is reachable, or raise "
                                           "connect_timeout",
                  .flags = kRetryable | kUnsent,
                  .cause = error_});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

ErrorRef LibpqConnector::Unwatched(int why) const noexcept {
  if (why == ENOMEM) return NoMemoryError();
  try {
    char text[128];
    return MakeError(
        ErrorInfo{.status = Status::kSystem,
                  .phase = phase_,
                  .message = "the connection to " + TargetText() + " cannot be watched: " +
                             strerror_r(why, text, sizeof text) + "; " + SystemAdvice(why),
                  .flags = kUnsent | kRetryable,
                  .system_errno = why,
                  .cause = error_});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

ErrorRef LibpqConnector::RefusedStep(bool too_long, uint64_t iterations) const noexcept {
  try {
    std::string message = TargetText();
    if (too_long)
      message += " asks for " + std::to_string(iterations) +
                 " iterations of SCRAM's key derivation, and no more than " +
                 std::to_string(kMostIterations) +
                 " are made: lower scram_iterations on the server and set the password again";
    else
      message += " does not speak PostgreSQL's protocol while authenticating";
    return MakeError(ErrorInfo{.status = too_long ? Status::kLimit : Status::kProtocol,
                               .phase = Phase::kAuth,
                               .message = std::move(message),
                               .flags = kUnsent,
                               .cause = error_});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

// What has been given may have just become old.
bool LibpqConnector::MayAskAgain(const ErrorRef& failure) const noexcept {
  return shared_.calls.password && !asked_again_ && HasState(failure, "28P01");
}

// As with libpq: who is refused by one server does not show the password to the next. One that
// cannot take anybody now, or whose role is not the one that is asked for, is passed over.
bool LibpqConnector::IsFinal(const ErrorRef& failure) const noexcept {
  return !MayBeBetterElsewhere(failure) || PQconnectionNeedsPassword(connection_) != 0;
}

bool LibpqConnector::GotFurther(const ErrorRef& failure, const ErrorRef& other) noexcept {
  const auto rank = [](const ErrorRef& error) {
    if (error->status() == Status::kNoMemory) return 4;  // whatever else there was
    switch (static_cast<Phase>(error->fields().phase)) {
      case Phase::kAuth:
        return 3;
      case Phase::kTls:
        return 2;
      default:
        return error->fields().status == static_cast<int32_t>(Status::kDns) ? 0 : 1;
    }
  };
  return rank(failure) >= rank(other);
}

ErrorRef LibpqConnector::Failure() const noexcept {
  try {
    ErrorInfo info;
    std::string said = OneLine(PQerrorMessage(connection_));
    info.sqlstate = StateIn(said);
    const size_t location = said.find(" LOCATION: ");
    if (location != said.npos) said.resize(location);
    const auto says = [&said](const char* text) { return said.find(text) != said.npos; };
    info.message = info_->secrets.Say(
        said, info.sqlstate.empty() ? "no connection could be made" : "the server has refused");
    if (info_->passfile_refused && says("no password supplied"))
      info.message +=
          "; the file of passwords (.pgpass) was not read: it must be a plain file that nobody but "
          "its owner may read (chmod 0600)";
    info.flags = kUnsent;
    info.cause = error_;
    info.phase = phase_;
    if (!info.sqlstate.empty()) {
      info.status = Status::kPg;
      info.phase = Phase::kAuth;
      if (MayConnectAgain(info.sqlstate.c_str())) info.flags |= kRetryable;
      const char* advice = ConnectAdvice(info.sqlstate.c_str());
      if (*advice) info.message += std::string("; ") + advice;
    } else if (says("certificate verify failed") || says("does not match host name")) {
      info.status = Status::kTlsVerify;
      info.phase = Phase::kTls;
    } else if (says("SSL error") || says("does not support SSL") || says("certificate file") ||
               says("private key file") ||                // ours, before it begins
               (phase_ == Phase::kTls && says("SSL"))) {  // not a server that just went away
      info.status = Status::kTls;
      info.phase = Phase::kTls;
    } else {
      info.status = Status::kConnect;
      if (phase_ != Phase::kAuth) info.flags |= kRetryable;
    }
    return MakeError(std::move(info));
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::pg
