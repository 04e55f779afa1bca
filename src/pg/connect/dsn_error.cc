#include "pg/connect/dsn_error.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "pg/connect/dsn_slip.h"
#include "pg/protocol/server_error.h"

namespace creche::pg {

namespace {

struct Known {
  const char* says;  // libpq
  const char* means;
};

constexpr Known kKnown[] = {
    {"percent-encoded token",
     "a percent sign in it is not followed by two hex digits: write %25 for a percent sign"},
    {"forbidden value", "it has a %00, which no value may have"},
    {"matching \"]\"",
     "an IPv6 address in it has no \"]\": write %5B for a bracket that is part of a password"},
    {"IPv6 host address may not be empty", "it has an empty IPv6 address"},
    {"unexpected character",
     "behind the \"]\" of a host may only come a port, a slash or another host: write %5B and %5D "
     "for brackets that are part of a password"},
    {"extra key/value separator", "one of its parameters has two \"=\": write %3D for one of them"},
    {"missing key/value separator", "one of its parameters has no \"=\""},
    {"missing \"=\"",
     "there is no \"=\" behind one of its words: write postgresql:// in front of a URI, and put a "
     "value with spaces between quotes ('')"},
    {"unterminated quoted string", "a quoted value in it has no end: write \\' for a quote in it"},
};

// The name of an option that does not exist, if it cannot be a piece of anything else.
std::string OptionName(const char* dsn, const char* why) {
  if (!std::strstr(why, "invalid connection option") &&
      !std::strstr(why, "invalid URI query parameter"))
    return {};
  const std::string_view text(why);
  const size_t start = text.find('"') + 1;
  const size_t end = text.find('"', start);
  if (start == 0 || end == text.npos || end - start > 24) return {};
  const std::string name(text.substr(start, end - start));
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != name.npos) return {};
  // What stands behind a password may be a part of it.
  const std::string_view all(dsn ? dsn : "");
  const size_t password = all.find("password");
  if (password != all.npos && all.rfind(name) > password) return {};
  return DsnSlip(all) ? std::string() : name;
}

struct Expected {
  const char* option;
  const char* values;
};

constexpr Expected kExpected[] = {
    {"sslmode", "disable, allow, prefer, require, verify-ca or verify-full"},
    {"target_session_attrs", "any, read-write, read-only, primary, standby or prefer-standby"},
    {"channel_binding", "disable, prefer or require"},
    {"load_balance_hosts", "disable or random"},
    {"integer value", "a whole number"},
};

// What is quoted is a value: only the names of options are shown, and what is not from the DSN.
std::string WithoutValues(std::string_view dsn, const std::string& why,
                          const PQconninfoOption* options) {
  std::string shown;
  size_t done = 0;
  for (size_t open; (open = why.find('"', done)) != why.npos;) {
    const size_t close = why.find('"', open + 1);
    if (close == why.npos) break;
    const std::string value = why.substr(open + 1, close - open - 1);
    bool show = dsn.find('%') == dsn.npos && dsn.find(value) == dsn.npos;
    for (const PQconninfoOption* o = options; o->keyword; o++) show = show || value == o->keyword;
    shown += why.substr(done, open - done) + (show ? '"' + value + '"' : "***");
    done = close + 1;
  }
  // What stands behind a quote without an end may be anything.
  return shown + why.substr(done, why.find('"', done) - done);
}

}  // namespace

ErrorRef DsnError(const char* dsn, const char* why) {
  std::string means;
  for (const Known& known : kKnown) {
    if (!std::strstr(why, known.says)) continue;
    means = known.means;
    break;
  }
  if (means.empty()) {
    const std::string option = OptionName(dsn, why);
    means =
        !option.empty() ? "it has the option \"" + option + "\", which does not exist"
        : std::strstr(why, "invalid connection option") ||
                std::strstr(why, "invalid URI query parameter")
            ? "it has an option that does not exist"
            : "libpq cannot read it: check the names of its options, and percent-encode what is "
              "special in its values";
  }
  return BadDsn(means);
}

ErrorRef DsnValueError(const char* dsn, const char* why, const PQconninfoOption* options) {
  std::string means = WithoutValues(dsn ? dsn : "", OneLine(why), options);
  for (const Expected& expected : kExpected) {
    if (!std::strstr(why, expected.option)) continue;
    means += std::string("; it is ") + expected.values;
    break;
  }
  return BadDsn(means);
}

ErrorRef CheckDsnValue(std::string_view option, std::string_view value) {
  static constexpr std::string_view kNumbers[] = {"connect_timeout",  "keepalives",
                                                  "keepalives_idle",  "keepalives_interval",
                                                  "keepalives_count", "tcp_user_timeout"};
  static constexpr std::string_view kAttrs[] = {"any",     "read-write", "read-only",
                                                "primary", "standby",    "prefer-standby"};
  static constexpr std::string_view kBalance[] = {"disable", "random"};
  const auto in = [](const auto& list, std::string_view word) {
    return std::find(std::begin(list), std::end(list), word) != std::end(list);
  };
  bool good = true;
  if (in(kNumbers, option)) {
    const size_t start = value.find_first_not_of(" \t\r\n\f\v+-");
    const size_t end = value.find_last_not_of(" \t\r\n\f\v") + 1;
    good = start != value.npos && std::all_of(value.begin() + static_cast<ptrdiff_t>(start),
                                              value.begin() + static_cast<ptrdiff_t>(end),
                                              [](char c) { return c >= '0' && c <= '9'; });
  } else if (option == "target_session_attrs") {
    good = in(kAttrs, value);
  } else if (option == "load_balance_hosts") {
    good = in(kBalance, value);
  }
  if (good) return nullptr;
  const char* values = kExpected[std::size(kExpected) - 1].values;
  for (const Expected& expected : kExpected)
    if (option == expected.option) values = expected.values;
  return BadDsn("the value of " + std::string(option) + " is none: it is " + values);
}

ErrorRef BadDsn(const std::string& why) {
  return MakeError(ErrorInfo{.status = Status::kInvalid,
                             .phase = Phase::kOptions,
                             .message = "the DSN cannot be used: " + why,
                             .flags = kUnsent});
}

}  // namespace creche::pg
