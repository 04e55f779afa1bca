#include "http/h2/h2_head.h"

#include <algorithm>
#include <iterator>

namespace creche::http {

namespace {

// Of one connection of HTTP/1.1, or said in another way here. Lower case.
bool IsLeftOut(std::string_view name, std::string_view value) {
  static constexpr std::string_view kNames[] = {"connection",        "http2-settings",
                                                "keep-alive",        "proxy-connection",
                                                "transfer-encoding", "upgrade"};
  switch (name.front()) {
    case 'c':
    case 'h':
    case 'k':
    case 'p':
    case 't':
    case 'u':
      break;
    default:
      return false;
  }
  if (name == "te") return !SameName(value, "trailers");
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// What nobody on the way is to keep in a table, where others could try out what is in it (RFC 7541,
// 7.1.3). Lower case.
bool IsSecret(std::string_view name) {
  switch (name.back()) {
    case 'd':
      return name.ends_with("password");
    case 'e':
      return name == "cookie";
    case 'n':
      return name.ends_with("token") || name.ends_with("authorization");
    case 't':
      return name.ends_with("secret");
    case 'y':
      return name.ends_with("key");
    default:
      return false;
  }
}

// Where they stand.
constexpr size_t kAuthority = 1;
constexpr size_t kProtocol = 4;

char* Lower(char* from, char* to) {
  for (; from != to; from++)
    if (*from >= 'A' && *from <= 'Z') *from = static_cast<char>(*from + ('a' - 'A'));
  return to;
}

// A line without its end; takes it out of *text.
std::string_view NextLine(std::string_view* text) {
  const std::string_view line = text->substr(0, text->find("\r\n"));
  text->remove_prefix(line.size() + 2);
  return line;
}

}  // namespace

H2Head::H2Head(const Request& request, std::string* text) {
  fields_.reserve(24);
  // For another protocol (RFC 8441, 4): what HTTP/1.1 calls an upgrade.
  const bool upgrades = request.route.upgrades;
  const bool connects = !request.connect.empty();
  Add(":method", upgrades || connects ? "CONNECT" : std::string_view(request.method));
  Add(":authority", "");  // see below
  if (!connects) {
    Add(":scheme", request.url.https() ? "https" : "http");
    Add(":path", request.url.target());
  }
  if (upgrades) Add(":protocol", "");
  std::string_view lines = *text;
  NextLine(&lines);  // the request line
  for (;;) {
    const std::string_view line = NextLine(&lines);
    if (line.empty()) break;
    const size_t size = line.find(':');
    char* const begin = text->data() + (line.data() - text->data());
    Lower(begin, begin + size);
    const std::string_view name(begin, size);
    const std::string_view value = line.substr(size + 2);
    if (name == "host") {
      Set(kAuthority, value);
    } else if (upgrades && name == "upgrade") {
      Set(kProtocol, value);
    } else if (!IsLeftOut(name, value) && !(upgrades && name == "sec-websocket-key")) {
      Add(name, value);
    }
  }
  // An empty one is worse than none (RFC 9113, 8.3.1).
  if (fields_[kAuthority].valuelen == 0) fields_.erase(fields_.begin() + kAuthority);
}

void H2Head::Set(size_t field, std::string_view value) {
  fields_[field].value = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data()));
  fields_[field].valuelen = value.size();
  list_size_ += value.size();
}

void H2Head::Add(std::string_view name, std::string_view value) {
  constexpr size_t kPerField = 32;
  list_size_ += name.size() + value.size() + kPerField;
  const auto flags = IsSecret(name) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
  fields_.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                     reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
                     value.size(), static_cast<uint8_t>(flags)});
}

}  // namespace creche::http
