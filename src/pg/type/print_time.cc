// Dates, times and intervals.
#include <cstdint>

#include "pg/protocol/bytes.h"
#include "pg/type/print.h"

namespace creche::pg {

namespace {

constexpr int64_t kMicrosecondsPerDay = 86'400'000'000;

// Proleptic Gregorian calendar, from days since 1970-01-01.
void AppendDate(std::string* out, int64_t days, bool* before_christ) {
  days += 719'468;  // since 0000-03-01
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = days - era * 146'097;
  const auto year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const auto day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto month_from_march = (5 * day_of_year + 2) / 153;
  const auto day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const auto month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  int64_t year = year_of_era + era * 400 + (month <= 2);
  *before_christ = year <= 0;
  if (*before_christ) year = 1 - year;
  AppendInteger(out, year, 4);
  *out += '-';
  AppendInteger(out, month, 2);
  *out += '-';
  AppendInteger(out, day, 2);
}

// Non-negative microseconds as hh:mm:ss with the decimals there are.
void AppendTime(std::string* out, uint64_t microseconds) {
  const uint64_t seconds = microseconds / 1'000'000;
  AppendInteger(out, static_cast<int64_t>(seconds / 3600), 2);
  *out += ':';
  AppendInteger(out, static_cast<int64_t>(seconds / 60 % 60), 2);
  *out += ':';
  AppendInteger(out, static_cast<int64_t>(seconds % 60), 2);
  const auto fraction = static_cast<int64_t>(microseconds % 1'000'000);
  if (fraction == 0) return;
  *out += '.';
  AppendInteger(out, fraction, 6);
  while (out->back() == '0') out->pop_back();
}

bool AppendInfinity(std::string* out, int64_t value) {
  if (value == INT64_MAX) out->append("infinity");
  if (value == INT64_MIN) out->append("-infinity");
  return value == INT64_MAX || value == INT64_MIN;
}

// later: seconds to be added.
void AppendTimestamp(std::string* out, int64_t microseconds, uint32_t later, const char* zone) {
  if (AppendInfinity(out, microseconds)) return;
  int64_t days = microseconds / kMicrosecondsPerDay;
  int64_t rest = microseconds % kMicrosecondsPerDay;
  if (rest < 0) {
    rest += kMicrosecondsPerDay;
    days--;
  }
  rest += int64_t{later} * 1'000'000;
  days += rest / kMicrosecondsPerDay;
  rest %= kMicrosecondsPerDay;
  bool before_christ;
  AppendDate(out, days, &before_christ);
  *out += ' ';
  AppendTime(out, static_cast<uint64_t>(rest));
  out->append(zone);
  if (before_christ) out->append(" BC");
}

uint64_t Magnitude(int64_t value) {
  return value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

// "1 year 2 mons -3 days +04:05:06"
void AppendInterval(std::string* out, const char* bytes) {
  const auto time = static_cast<int64_t>(Load64(bytes));
  const auto days = static_cast<int32_t>(Load32(bytes + 8));
  const auto months = static_cast<int32_t>(Load32(bytes + 12));
  // From version 17 on.
  const bool infinite = (days == INT32_MAX && months == INT32_MAX && time == INT64_MAX) ||
                        (days == INT32_MIN && months == INT32_MIN && time == INT64_MIN);
  if (infinite && AppendInfinity(out, time)) return;
  bool empty = true;
  bool negative = false;  // the part before
  const auto append = [&](int64_t value, const char* unit) {
    if (value == 0) return;
    if (!empty) *out += ' ';
    if (negative && value > 0) *out += '+';
    AppendInteger(out, value);
    out->append(unit);
    if (value != 1) *out += 's';
    negative = value < 0;
    empty = false;
  };
  append(months / 12, " year");
  append(months % 12, " mon");
  append(days, " day");
  if (time == 0 && !empty) return;
  if (!empty) *out += ' ';
  if (time < 0)
    *out += '-';
  else if (negative)
    *out += '+';
  AppendTime(out, Magnitude(time));
}

// UTC offset from seconds west of it.
void AppendZone(std::string* out, int32_t west) {
  *out += west > 0 ? '-' : '+';
  const auto seconds = static_cast<int64_t>(Magnitude(west));
  AppendInteger(out, seconds / 3600, 2);
  for (int64_t part : {seconds / 60 % 60, seconds % 60}) {
    if (part == 0 && seconds % 60 == 0) break;
    *out += ':';
    AppendInteger(out, part, 2);
  }
}

int64_t Value(const RowView::Cell& cell) {
  return static_cast<int64_t>(cell.bits);
}

// Microseconds since midnight, of what stands outside of its cell.
uint64_t TimeOfDay(const RowView::Cell& cell) {
  return Load64(cell.bytes) & INT64_MAX;
}

}  // namespace

bool PrintDate(std::string* out, const RowView::Cell& cell) {
  const int64_t days = Value(cell);
  if (AppendInfinity(out, days)) return true;
  // What no server sends, a forged block may hold.
  if (days < INT32_MIN || days > INT32_MAX) return true;
  bool before_christ;
  AppendDate(out, days, &before_christ);
  if (before_christ) out->append(" BC");
  return true;
}

bool PrintTimestamp(std::string* out, const RowView::Cell& cell) {
  AppendTimestamp(out, Value(cell), cell.later, "");
  return true;
}

bool PrintTimestamptz(std::string* out, const RowView::Cell& cell) {
  AppendTimestamp(out, Value(cell), cell.later, "+00");
  return true;
}

bool PrintTime(std::string* out, const RowView::Cell& cell) {
  if (cell.size != 8) return false;
  AppendTime(out, TimeOfDay(cell));
  return true;
}

bool PrintTimetz(std::string* out, const RowView::Cell& cell) {
  if (cell.size != 12) return false;
  AppendTime(out, TimeOfDay(cell));
  AppendZone(out, static_cast<int32_t>(Load32(cell.bytes + 8)));
  return true;
}

bool PrintInterval(std::string* out, const RowView::Cell& cell) {
  if (cell.size != 16) return false;
  AppendInterval(out, cell.bytes);
  return true;
}

}  // namespace creche::pg
