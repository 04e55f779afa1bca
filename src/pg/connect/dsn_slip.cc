#include "pg/connect/dsn_slip.h"

#include <algorithm>

namespace creche::pg {

namespace {

constexpr char kAt[] =
    "there is an \"@\" in it that is not the one in front of the host: write %40 for an \"@\", and "
    "%2F for a \"/\", that are part of a password";
constexpr char kNoColon[] =
    "what stands in front of the \"@\" has no \":\", and may be a password: write user:password@, "
    "and percent-encode what is special in a user's name";
constexpr char kGrown[] =
    "two of its parameters seem to be one: look for a blank, \"?\" or \"&\" that is missing";

bool HasPassword(std::string_view text) {
  static constexpr std::string_view kName = "password";
  return std::search(text.begin(), text.end(), kName.begin(), kName.end(),
                     [](char a, char b) { return (a | 0x20) == b; }) != text.end();
}

bool IsNameByte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '.' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

const char* SlipOfUri(std::string_view rest) {
  const size_t at = rest.find('@');
  if (at != rest.npos && (at != rest.rfind('@') || at > rest.find('/'))) return kAt;
  std::string_view hosts = rest;
  if (at != rest.npos) {
    const std::string_view user = rest.substr(0, at);
    if (user.find(':') == user.npos && !std::all_of(user.begin(), user.end(), IsNameByte) &&
        user.find('%') == user.npos)
      return kNoColon;
    hosts.remove_prefix(at + 1);
  }
  const std::string_view path = hosts.substr(0, hosts.find('?'));
  return path.find('=') != path.npos || HasPassword(path) ? kGrown : nullptr;
}

// The values of these cannot have what follows in them. Others (options, paths) may.
const char* SlipOfPairs(std::string_view dsn) {
  static constexpr std::string_view kBlank = " \t\n\r\f\v";
  while (!dsn.empty()) {
    const size_t start = dsn.find_first_not_of(kBlank);
    if (start == dsn.npos) break;
    dsn.remove_prefix(start);
    const size_t equals = dsn.find('=');
    if (equals == dsn.npos) break;
    const std::string_view name = dsn.substr(0, dsn.find_first_of(" \t\n\r\f\v="));
    dsn.remove_prefix(std::min(dsn.find_first_not_of(kBlank, equals + 1), dsn.size()));
    size_t end = 0;
    if (dsn.starts_with('\'')) {
      for (end = 1; end < dsn.size() && dsn[end] != '\''; end++)
        if (dsn[end] == '\\') end++;
      end++;
    } else {
      while (end < dsn.size() && kBlank.find(dsn[end]) == kBlank.npos)
        end += dsn[end] == '\\' ? 2 : 1;
    }
    end = std::min(end, dsn.size());
    const std::string_view value = dsn.substr(0, end);
    dsn.remove_prefix(end);
    if (HasPassword(name)) continue;
    const bool path = name.starts_with("ssl") || name == "passfile" || name == "service";
    if (!path && HasPassword(value)) return kGrown;
    if (name != "options" && value.find('=') != value.npos) return kGrown;
  }
  return nullptr;
}

}  // namespace

const char* DsnSlip(std::string_view dsn) noexcept {
  for (const std::string_view scheme : {"postgresql://", "postgres://"})
    if (dsn.starts_with(scheme)) return SlipOfUri(dsn.substr(scheme.size()));
  return SlipOfPairs(dsn);
}

}  // namespace creche::pg
