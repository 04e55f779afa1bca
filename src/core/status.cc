#include "core/status.h"

namespace creche {

const char* StatusName(Status status) noexcept {
  switch (status) {
    case Status::kOk:
      return "CRECHE_OK";
    case Status::kInvalid:
      return "CRECHE_E_INVALID";
    case Status::kBadHandle:
      return "CRECHE_E_BAD_HANDLE";
    case Status::kEnded:
      return "CRECHE_E_ENDED";
    case Status::kClosed:
      return "CRECHE_E_CLOSED";
    case Status::kWrongLoop:
      return "CRECHE_E_WRONG_LOOP";
    case Status::kWouldDeadlock:
      return "CRECHE_E_WOULD_DEADLOCK";
    case Status::kInterrupted:
      return "CRECHE_E_INTERRUPTED";
    case Status::kForked:
      return "CRECHE_E_FORKED";
    case Status::kUnsupported:
      return "CRECHE_E_UNSUPPORTED";
    case Status::kState:
      return "CRECHE_E_STATE";
    case Status::kBusy:
      return "CRECHE_E_BUSY";
    case Status::kNoMemory:
      return "CRECHE_E_NO_MEMORY";
    case Status::kLimit:
      return "CRECHE_E_LIMIT";
    case Status::kInternal:
      return "CRECHE_E_INTERNAL";
    case Status::kSystem:
      return "CRECHE_E_SYSTEM";
    case Status::kCancelled:
      return "CRECHE_E_CANCELLED";
    case Status::kTimeout:
      return "CRECHE_E_TIMEOUT";
    case Status::kGroup:
      return "CRECHE_E_GROUP";
    case Status::kMisnested:
      return "CRECHE_E_MISNESTED";
    case Status::kNotCancelled:
      return "CRECHE_E_NOT_CANCELLED";
    case Status::kUser:
      return "CRECHE_E_USER";
    case Status::kNotStarted:
      return "CRECHE_E_NOT_STARTED";
    case Status::kUrl:
      return "CRECHE_E_URL";
    case Status::kDns:
      return "CRECHE_E_DNS";
    case Status::kConnect:
      return "CRECHE_E_CONNECT";
    case Status::kTls:
      return "CRECHE_E_TLS";
    case Status::kTlsVerify:
      return "CRECHE_E_TLS_VERIFY";
    case Status::kDisconnected:
      return "CRECHE_E_DISCONNECTED";
    case Status::kProtocol:
      return "CRECHE_E_PROTOCOL";
    case Status::kTruncated:
      return "CRECHE_E_TRUNCATED";
    case Status::kCoding:
      return "CRECHE_E_CODING";
    case Status::kBody:
      return "CRECHE_E_BODY";
    case Status::kRedirect:
      return "CRECHE_E_REDIRECT";
    case Status::kProxy:
      return "CRECHE_E_PROXY";
    case Status::kHttpStatus:
      return "CRECHE_E_HTTP_STATUS";
    case Status::kPg:
      return "CRECHE_E_PG";
    case Status::kOutcomeUnknown:
      return "CRECHE_E_OUTCOME_UNKNOWN";
    case Status::kRolledBack:
      return "CRECHE_E_ROLLED_BACK";
    case Status::kType:
      return "CRECHE_E_TYPE";
    case Status::kNull:
      return "CRECHE_E_NULL";
  }
  return "?";
}

const char* PhaseName(Phase phase) noexcept {
  switch (phase) {
    case Phase::kNone:
      return "";
    case Phase::kLimit:
      return "limit";
    case Phase::kPool:
      return "pool";
    case Phase::kDns:
      return "dns";
    case Phase::kConnect:
      return "connect";
    case Phase::kTls:
      return "tls";
    case Phase::kSend:
      return "send";
    case Phase::kHeaders:
      return "headers";
    case Phase::kBody:
      return "body";
    case Phase::kAuth:
      return "auth";
    case Phase::kQuery:
      return "query";
    case Phase::kCommit:
      return "commit";
    case Phase::kRollback:
      return "rollback";
    case Phase::kReset:
      return "reset";
    case Phase::kTask:
      return "task";
    case Phase::kClose:
      return "close";
    case Phase::kOptions:
      return "options";
    case Phase::kProxy:
      return "proxy";
  }
  return "";
}

const char* ReasonName(Reason reason) noexcept {
  switch (reason) {
    case Reason::kNone:
      return "none";
    case Reason::kDeadline:
      return "deadline";
    case Reason::kExplicit:
      return "explicit";
    case Reason::kSibling:
      return "sibling failed";
    case Reason::kRace:
      return "sibling won";
    case Reason::kShutdown:
      return "shutdown";
    case Reason::kInterrupt:
      return "interrupt";
    case Reason::kFinished:
      return "task finished";
    case Reason::kMisnested:
      return "misnested";
  }
  return "?";
}

}  // namespace creche
