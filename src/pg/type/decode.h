// From PostgreSQL's binary forms to the values that a cell holds.
#pragma once
#include <bit>
#include <cstdint>

#include "pg/protocol/bytes.h"
#include "pg/rows/row_layout.h"
#include "pg/type/oid.h"

namespace creche::pg {

// The last microsecond that has a number of its own, and what later ones have at first.
inline constexpr int64_t kLate = INT64_MAX - 1;

// Seconds and so on since 2000 to those since 1970; the infinities stay what they are. The last 29
// years before the end of PostgreSQL's calendar (294247 to 294276) do not fit: kLate.
inline int64_t ToUnixMicroseconds(int64_t pg) noexcept {
  if (pg == INT64_MAX || pg == INT64_MIN) return pg;
  int64_t unix_time;
  return __builtin_add_overflow(pg, kEpochMicroseconds, &unix_time) || unix_time > kLate
             ? kLate
             : unix_time;
}
// The cell of a timestamp that is kLate: in `bits` as late as it can be, the seconds that are
// missing in `later`.
inline RowCell LateTimestamp(const char* p) noexcept {
  constexpr uint64_t kSecondsMicros = 1'000'000;
  const uint64_t exact = Load64(p) + uint64_t{kEpochMicroseconds};
  const uint64_t over = exact - uint64_t{kLate};
  const uint64_t later = (over + kSecondsMicros - 1) / kSecondsMicros;
  return {exact - later * kSecondsMicros, 8, static_cast<uint32_t>(later)};
}
inline int64_t ToUnixDays(int32_t pg) noexcept {
  if (pg == INT32_MAX) return INT64_MAX;
  if (pg == INT32_MIN) return INT64_MIN;
  return pg + kEpochDays;
}

// The functions of the table of types.
inline uint64_t DecodeBool(const char* p) noexcept {
  return *p != 0;
}
inline uint64_t DecodeInt2(const char* p) noexcept {
  return static_cast<uint64_t>(int64_t{static_cast<int16_t>(Load16(p))});
}
inline uint64_t DecodeInt4(const char* p) noexcept {
  return static_cast<uint64_t>(int64_t{static_cast<int32_t>(Load32(p))});
}
inline uint64_t DecodeUnsigned4(const char* p) noexcept {
  return Load32(p);
}
inline uint64_t DecodeEight(const char* p) noexcept {
  return Load64(p);
}
inline uint64_t DecodeFloat4(const char* p) noexcept {
  return std::bit_cast<uint64_t>(double{std::bit_cast<float>(Load32(p))});
}
inline uint64_t DecodeDate(const char* p) noexcept {
  return static_cast<uint64_t>(ToUnixDays(static_cast<int32_t>(Load32(p))));
}
inline uint64_t DecodeTimestamp(const char* p) noexcept {
  return static_cast<uint64_t>(ToUnixMicroseconds(static_cast<int64_t>(Load64(p))));
}

}  // namespace creche::pg
