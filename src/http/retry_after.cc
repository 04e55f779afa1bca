#include "http/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace creche::http {

namespace {

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

// Takes pieces off the front of a date; once something is missing, nothing is there any more.
struct Reader {
  std::string_view text;
  bool good = true;

  void Skip(std::string_view what) {
    good = good && text.substr(0, what.size()) == what;
    if (good) text.remove_prefix(what.size());
  }
  // So many digits, or a blank and digits.
  int64_t Number(size_t size, bool padded = false) {
    int64_t number = 0;
    good = good && text.size() >= size;
    for (size_t i = 0; good && i < size; i++) {
      const bool blank = padded && i == 0 && size > 1 && text[i] == ' ';
      good = blank || (text[i] >= '0' && text[i] <= '9');
      if (!blank) number = 10 * number + (text[i] - '0');
    }
    if (good) text.remove_prefix(size);
    return number;
  }
  int64_t Month() {
    const size_t at = good && text.size() >= 3 ? kMonths.find(text.substr(0, 3)) : kMonths.npos;
    good = at != kMonths.npos && at % 3 == 0;
    if (good) text.remove_prefix(3);
    return static_cast<int64_t>(at / 3) + 1;
  }
};

// Days since 1970-01-01 (Gregorian, proleptic).
int64_t DaysOf(int64_t year, int64_t month, int64_t day) {
  if (month <= 2) year--;
  const int64_t era = year / 400;
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// Two digits of a year are within fifty years of 1970 to 2069.
constexpr int64_t YearOf(int64_t digits) {
  return digits < 70 ? 2000 + digits : 1900 + digits;
}

}  // namespace

std::optional<int64_t> ReadHttpDate(std::string_view text) noexcept {
  Reader r{text};
  int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const auto time = [&] {
    hour = r.Number(2);
    r.Skip(":");
    minute = r.Number(2);
    r.Skip(":");
    second = r.Number(2);
  };
  const size_t comma = text.find(',');
  if (comma == text.npos) {  // Sun Nov  6 08:49:37 1994
    if (text.size() < 4) return std::nullopt;
    r.text.remove_prefix(3);
    r.Skip(" ");
    month = r.Month();
    r.Skip(" ");
    day = r.Number(2, true);
    r.Skip(" ");
    time();
    r.Skip(" ");
    year = r.Number(4);
  } else {
    r.text.remove_prefix(comma + 1);
    r.Skip(" ");
    day = r.Number(2);
    const bool old = comma > 3;  // Sunday, 06-Nov-94 08:49:37 GMT
    r.Skip(old ? "-" : " ");
    month = r.Month();
    r.Skip(old ? "-" : " ");
    year = old ? YearOf(r.Number(2)) : r.Number(4);
    r.Skip(" ");
    time();
    r.Skip(" GMT");
  }
  if (!r.good || !r.text.empty() || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  return ((DaysOf(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
}

std::optional<Nanos> ReadRetryAfter(std::string_view text, std::string_view date,
                                    int64_t now) noexcept {
  const auto wait = [](int64_t seconds) {
    return seconds >= kNever / kSecond ? kNever : std::max<int64_t>(seconds, 0) * kSecond;
  };
  if (text.empty()) return std::nullopt;
  if (text.find_first_not_of("0123456789") == text.npos) {
    int64_t seconds = 0;
    const auto [p, e] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    return e == std::errc() ? wait(seconds) : kNever;
  }
  const auto until = ReadHttpDate(text);
  if (!until) return std::nullopt;
  return wait(*until - ReadHttpDate(date).value_or(now));
}

}  // namespace creche::http
