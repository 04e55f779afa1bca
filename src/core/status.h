// The statuses, phases and reasons of the C ABI, as the core knows them. capi asserts that the
// numbers are those of creche/base.h.
#pragma once
#include <cstdint>

namespace creche {

enum class Status : int32_t {
  kOk = 0,
  kInvalid = -1,
  kBadHandle = -2,
  kEnded = -3,
  kClosed = -4,
  kWrongLoop = -5,
  kWouldDeadlock = -6,
  kInterrupted = -7,
  kForked = -8,
  kUnsupported = -9,
  kState = -10,
  kBusy = -11,
  kNoMemory = -12,
  kLimit = -13,
  kInternal = -14,
  kSystem = -15,
  kCancelled = -20,
  kTimeout = -21,
  kGroup = -22,
  kMisnested = -23,
  kNotCancelled = -24,
  kUser = -25,
  kNotStarted = -26,
  kUrl = -40,
  kDns = -41,
  kConnect = -42,
  kTls = -43,
  kTlsVerify = -44,
  kDisconnected = -45,
  kProtocol = -46,
  kTruncated = -47,
  kCoding = -48,
  kBody = -49,
  kRedirect = -50,
  kHttpStatus = -51,
  kProxy = -55,
  kPg = -60,
  kOutcomeUnknown = -61,
  kRolledBack = -62,
  kType = -63,
  kNull = -64,
};

enum class Phase : uint32_t {
  kNone = 0,
  kLimit = 1,
  kPool = 2,
  kDns = 3,
  kConnect = 4,
  kTls = 5,
  kSend = 6,
  kHeaders = 7,
  kBody = 8,
  kAuth = 9,
  kQuery = 10,
  kCommit = 11,
  kRollback = 12,
  kReset = 13,
  kTask = 14,
  kClose = 15,
  kOptions = 16,
  kProxy = 17,
};

enum class Reason : uint8_t {
  kNone = 0,
  kDeadline = 1,
  kExplicit = 2,
  kSibling = 3,
  kRace = 4,
  kShutdown = 5,
  kInterrupt = 6,
  kFinished = 7,
  kMisnested = 8,
};

// "CRECHE_E_TIMEOUT", ...; "?" for a number that is no status.
const char* StatusName(Status status) noexcept;
// "dns", "headers", ...; "" for Phase::kNone.
const char* PhaseName(Phase phase) noexcept;
// "deadline", "explicit", ...
const char* ReasonName(Reason reason) noexcept;

// Points of a loop's clock and durations, in nanoseconds.
using Nanos = int64_t;
inline constexpr Nanos kNever = INT64_MAX;
inline constexpr Nanos kSecond = 1'000'000'000;
inline constexpr Nanos kMillisecond = 1'000'000;

// from + duration, saturating at kNever.
constexpr Nanos After(Nanos from, Nanos duration) {
  return duration >= kNever - from ? kNever : from + duration;
}

}  // namespace creche
