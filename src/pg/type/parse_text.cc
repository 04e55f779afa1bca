#include "pg/type/parse_text.h"

#include <algorithm>
#include <charconv>

#include "pg/protocol/bytes.h"
#include "pg/sql/scan.h"
#include "pg/type/oid.h"

namespace creche::pg {

namespace {

constexpr char kNoNumber[] = "no number";
constexpr char kNoNumeric[] = "no numeric";
constexpr char kNoBytes[] = "a text that is no \\x with hexadecimal digits behind it";
constexpr char kNoMoment[] = "no date or time as ISO 8601 writes it";

int HexDigit(char c) noexcept {
  if (IsDigit(c)) return c - '0';
  c = Lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Takes between `least` and `most` digits off the front.
bool TakeDigits(std::string_view* text, size_t least, size_t most, int64_t* value) noexcept {
  size_t count = 0;
  *value = 0;
  while (count < most && count < text->size() && IsDigit((*text)[count]))
    *value = *value * 10 + ((*text)[count++] - '0');
  text->remove_prefix(count);
  return count >= least;
}

bool TakeByte(std::string_view* text, char byte) noexcept {
  if (text->empty() || text->front() != byte) return false;
  text->remove_prefix(1);
  return true;
}

bool IsInfinity(std::string_view text, int64_t* value) noexcept {
  const bool minus = TakeByte(&text, '-');
  *value = minus ? INT64_MIN : INT64_MAX;
  return SameWord(text, "infinity");
}

int64_t DaysOf(int64_t year, int64_t month, int64_t day) noexcept {
  if (month <= 2) year--;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

int64_t DaysIn(int64_t year, int64_t month) noexcept {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// What stands behind a date and is not of it: " BC" is, and stands at the very end.
bool TakeDate(std::string_view* text, int64_t* days) noexcept {
  constexpr std::string_view kBeforeChrist = " BC";
  const bool before = text->ends_with(kBeforeChrist);
  if (before) text->remove_suffix(kBeforeChrist.size());
  int64_t year, month, day;
  if (!TakeDigits(text, 4, 6, &year) || !TakeByte(text, '-') || !TakeDigits(text, 2, 2, &month) ||
      !TakeByte(text, '-') || !TakeDigits(text, 2, 2, &day) || year == 0)
    return false;
  if (before) year = 1 - year;
  if (month < 1 || month > 12 || day < 1 || day > DaysIn(year, month)) return false;
  *days = DaysOf(year, month, day);
  return true;
}

// Microseconds of "hh:mm[:ss[.ffffff]]".
bool TakeTime(std::string_view* text, int64_t* time) noexcept {
  int64_t hours, minutes, seconds = 0, fraction = 0;
  if (!TakeDigits(text, 2, 2, &hours) || !TakeByte(text, ':') || !TakeDigits(text, 2, 2, &minutes))
    return false;
  if (TakeByte(text, ':')) {
    if (!TakeDigits(text, 2, 2, &seconds)) return false;
    if (TakeByte(text, '.')) {
      size_t left = text->size();
      if (!TakeDigits(text, 1, 6, &fraction)) return false;
      for (left -= text->size(); left < 6; left++) fraction *= 10;
    }
  }
  if (hours > 23 || minutes > 59 || seconds > 59) return false;
  *time = ((hours * 60 + minutes) * 60 + seconds) * 1'000'000 + fraction;
  return true;
}

// Seconds east of UTC; false if there is none.
bool TakeZone(std::string_view* text, int64_t* east) noexcept {
  *east = 0;
  if (TakeByte(text, 'Z')) return true;
  const bool minus = TakeByte(text, '-');
  if (!minus && !TakeByte(text, '+')) return false;
  int64_t hours, minutes = 0, seconds = 0;
  if (!TakeDigits(text, 2, 2, &hours)) return false;
  const bool colon = TakeByte(text, ':');
  if (!text->empty() && !TakeDigits(text, 2, 2, &minutes)) return false;
  if (colon && TakeByte(text, ':') && !TakeDigits(text, 2, 2, &seconds)) return false;
  if (hours > 15 || minutes > 59 || seconds > 59) return false;
  *east = (hours * 60 + minutes) * 60 + seconds;
  if (minus) *east = -*east;
  return true;
}

// Appends a numeric of these decimal digits, of which `point` stand before the point.
const char* AppendNumeric(std::string_view digits, int64_t point, bool minus, int64_t scale,
                          std::string* out) {
  constexpr int64_t kGroup = 4, kMostBefore = 131'072, kMostScale = 16'383;
  constexpr uint16_t kMinus = 0x4000;
  const size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
  digits.remove_prefix(zeros);
  point -= static_cast<int64_t>(zeros);
  digits = digits.substr(0, digits.find_last_not_of('0') + 1);
  if (digits.empty()) point = 0;
  if (point > kMostBefore || scale > kMostScale) return "out of range for numeric";
  // Groups of four digits that are aligned at the point.
  const int64_t before = point > 0 ? (point + kGroup - 1) / kGroup : -(-point / kGroup);
  const int64_t lead = before * kGroup - point;
  const auto size = static_cast<int64_t>(digits.size());
  const int64_t groups = digits.empty() ? 0 : (lead + size + kGroup - 1) / kGroup;
  char word[2];
  const auto put = [&](int64_t value) {
    Store16(word, static_cast<uint16_t>(value));
    out->append(word, sizeof word);
  };
  put(groups);
  put(groups == 0 ? 0 : before - 1);
  put(minus && groups > 0 ? kMinus : 0);
  put(scale);
  for (int64_t group = 0; group < groups; group++) {
    int64_t value = 0;
    for (int64_t i = group * kGroup - lead; i < (group + 1) * kGroup - lead; i++)
      value = value * 10 + (i >= 0 && i < size ? digits[static_cast<size_t>(i)] - '0' : 0);
    put(value);
  }
  return nullptr;
}

}  // namespace

const char* ParseBool(std::string_view text, int64_t* value) noexcept {
  *value = SameWord(text, "true") || SameWord(text, "t") || text == "1";
  if (*value || SameWord(text, "false") || SameWord(text, "f") || text == "0") return nullptr;
  return "neither true nor false";
}

const char* ParseInteger(std::string_view text, int64_t* value) noexcept {
  if (text.size() > 1 && text[0] == '+' && IsDigit(text[1])) text.remove_prefix(1);
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, *value);
  if (error == std::errc::result_out_of_range) return "out of range for int8";
  return error != std::errc() || at != end ? "no integer" : nullptr;
}

const char* ParseReal(std::string_view text, bool single, double* value) noexcept {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  // It takes nan(...), too.
  if (text.find('(') != text.npos) return kNoNumber;
  const char* end = text.data() + text.size();
  float narrow = 0;
  const auto [at, error] = single ? std::from_chars(text.data(), end, narrow)
                                  : std::from_chars(text.data(), end, *value);
  if (single) *value = double{narrow};
  if (error == std::errc::result_out_of_range) return "out of range";
  return error != std::errc() || at != end ? kNoNumber : nullptr;
}

const char* ParseNumeric(std::string_view text, std::string* out) {
  bool minus = TakeByte(&text, '-');
  if (!minus) (void)TakeByte(&text, '+');
  const auto special = [&](uint16_t sign) {
    char form[8] = {};
    Store16(form + 4, sign);
    out->append(form, sizeof form);
    return nullptr;
  };
  if (SameWord(text, "nan")) return special(0xC000);
  if (SameWord(text, "infinity") || SameWord(text, "inf")) return special(minus ? 0xF000 : 0xD000);
  size_t end = 0;
  while (end < text.size() && IsDigit(text[end])) end++;
  std::string digits(text.substr(0, end));
  int64_t point = static_cast<int64_t>(end), exponent = 0;
  text.remove_prefix(end);
  if (TakeByte(&text, '.')) {
    end = 0;
    while (end < text.size() && IsDigit(text[end])) end++;
    digits.append(text.substr(0, end));
    text.remove_prefix(end);
  }
  if (digits.empty()) return kNoNumeric;
  if (!text.empty()) {
    if (Lower(text[0]) != 'e') return kNoNumeric;
    text.remove_prefix(1);
    const bool down = TakeByte(&text, '-');
    if (!down) (void)TakeByte(&text, '+');
    if (!TakeDigits(&text, 1, 6, &exponent) || !text.empty()) return kNoNumeric;
    if (down) exponent = -exponent;
  }
  const int64_t decimals = static_cast<int64_t>(digits.size()) - point - exponent;
  return AppendNumeric(digits, point + exponent, minus, std::max<int64_t>(decimals, 0), out);
}

const char* ParseUuid(std::string_view text, std::string* out) {
  constexpr size_t kBytes = 16;
  if (text.size() > 2 && text.front() == '{' && text.back() == '}')
    text = text.substr(1, text.size() - 2);
  char bytes[kBytes];
  for (size_t i = 0; i < kBytes; i++) {
    // The server takes a dash behind each fourth digit.
    if (i > 0 && i % 2 == 0) (void)TakeByte(&text, '-');
    const int high = text.size() < 2 ? -1 : HexDigit(text[0]);
    const int low = text.size() < 2 ? -1 : HexDigit(text[1]);
    if (high < 0 || low < 0) return "no uuid";
    bytes[i] = static_cast<char>(high << 4 | low);
    text.remove_prefix(2);
  }
  if (!text.empty()) return "no uuid";
  out->append(bytes, kBytes);
  return nullptr;
}

const char* ParseBytes(std::string_view text, std::string* out) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return kNoBytes;
  for (size_t i = 2; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]), low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return kNoBytes;
    out->push_back(static_cast<char>(high << 4 | low));
  }
  return nullptr;
}

const char* ParseDate(std::string_view text, int64_t* days) noexcept {
  if (IsInfinity(text, days)) return nullptr;
  if (!TakeDate(&text, days)) return kNoMoment;
  if (text.empty()) return nullptr;
  int64_t ignored;
  if (!TakeByte(&text, ' ') && !TakeByte(&text, 'T')) return kNoMoment;
  if (!TakeTime(&text, &ignored)) return kNoMoment;
  return text.empty() || (TakeZone(&text, &ignored) && text.empty()) ? nullptr : kNoMoment;
}

const char* ParseTimestamp(std::string_view text, bool zoned, int64_t* microseconds) noexcept {
  constexpr int64_t kDay = 86'400'000'000;
  if (IsInfinity(text, microseconds)) return nullptr;
  int64_t days, time = 0, east = 0;
  if (!TakeDate(&text, &days)) return kNoMoment;
  if (!text.empty()) {
    if (!TakeByte(&text, ' ') && !TakeByte(&text, 'T')) return kNoMoment;
    if (!TakeTime(&text, &time)) return kNoMoment;
  }
  const bool has_zone = TakeZone(&text, &east);
  if (!text.empty()) return kNoMoment;
  if (zoned && !has_zone) return "a time without a zone, for which the session's would count";
  if (zoned) time -= east * 1'000'000;
  if (__builtin_mul_overflow(days, kDay, microseconds) ||
      __builtin_add_overflow(*microseconds, time, microseconds))
    return "later than what fits into microseconds since 1970";
  return nullptr;
}

}  // namespace creche::pg
