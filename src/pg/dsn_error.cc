#include "pg/dsn_error.h"

#include <cstring>
#include <string>
#include <string_view>

#include "pg/secrets.h"

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
  return Secrets(dsn).Hide(name) == name ? name : std::string();
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
  return MakeError(ErrorInfo{.status = Status::kInvalid,
                             .phase = Phase::kOptions,
                             .message = "the DSN cannot be used: " + means,
                             .flags = kUnsent});
}

}  // namespace creche::pg
