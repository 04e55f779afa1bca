#include "http/cookies/cookie_date.h"

namespace creche::http {

namespace {

constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsDelimiter(char ch) {
  const auto c = static_cast<unsigned char>(ch);
  return c == 9 || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40) ||
         (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
}

// Takes least to most digits; nothing if there are fewer, or one more follows.
std::optional<int> TakeNumber(std::string_view* text, size_t least, size_t most) {
  size_t n = 0;
  int value = 0;
  while (n < text->size() && n < most && IsDigit((*text)[n]))
    value = value * 10 + ((*text)[n++] - '0');
  if (n < least || (n < text->size() && IsDigit((*text)[n]))) return std::nullopt;
  text->remove_prefix(n);
  return value;
}

bool IsTime(std::string_view token, int time[3]) {
  for (int i = 0; i < 3; i++) {
    const auto number = TakeNumber(&token, 1, 2);
    if (!number) return false;
    time[i] = *number;
    if (i == 2) return true;
    if (token.empty() || token[0] != ':') return false;
    token.remove_prefix(1);
  }
  return false;
}

// 1 to 12, or 0.
int MonthOf(std::string_view token) {
  static constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (token.size() < 3) return 0;
  char small[3];
  for (int i = 0; i < 3; i++) small[i] = static_cast<char>(token[static_cast<size_t>(i)] | 0x20);
  const size_t at = kMonths.find(std::string_view(small, 3));
  return at == std::string_view::npos || at % 3 != 0 ? 0 : static_cast<int>(at / 3) + 1;
}

// Days since 1970-01-01 in the Gregorian calendar.
int64_t DaysTo(int64_t year, int month, int day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

}  // namespace

std::optional<int64_t> ParseCookieDate(std::string_view text) noexcept {
  int time[3] = {0, 0, 0};
  int day = 0, month = 0, year = -1;
  bool timed = false;
  while (!text.empty()) {
    if (IsDelimiter(text[0])) {
      text.remove_prefix(1);
      continue;
    }
    size_t size = 0;
    while (size < text.size() && !IsDelimiter(text[size])) size++;
    std::string_view token = text.substr(0, size);
    text.remove_prefix(size);
    if (!timed && IsTime(token, time)) {
      timed = true;
      continue;
    }
    std::string_view digits = token;
    if (day == 0) {
      if (const auto number = TakeNumber(&digits, 1, 2)) {
        day = *number == 0 ? 32 : *number;
        continue;
      }
    }
    if (month == 0 && (month = MonthOf(token)) != 0) continue;
    if (year < 0) {
      digits = token;
      if (const auto number = TakeNumber(&digits, 2, 4)) year = *number;
    }
  }
  if (year >= 70 && year <= 99) year += 1900;
  if (year >= 0 && year <= 69) year += 2000;
  if (!timed || day == 0 || month == 0 || year < 1601) return std::nullopt;
  static constexpr int kDays[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (day > kDays[month - 1] || (month == 2 && day == 29 && !leap)) return std::nullopt;
  if (time[0] > 23 || time[1] > 59 || time[2] > 59) return std::nullopt;
  return ((DaysTo(year, month, day) * 24 + time[0]) * 60 + time[1]) * 60 + time[2];
}

}  // namespace creche::http
