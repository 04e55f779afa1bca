#include "http/request_head.h"

#include <algorithm>
#include <charconv>

namespace creche::http {

namespace {

// Written by the library alone: two fields that say how long a body is are how requests are
// smuggled.
constexpr uint32_t kFramingNames = Bit(Known::kContentLength) | Bit(Known::kTransferEncoding);

ErrorRef Invalid(std::string message) {
  return MakeError(Status::kInvalid, Phase::kOptions, std::move(message));
}

Result<void> CheckFraming(const RequestHead& head, const HeaderList::Field& field) {
  if (field.known == Known::kTransferEncoding) {
    if (head.framing == Framing::kChunked && SameName(field.value, "chunked")) return {};
    return Invalid(
        "the library writes Transfer-Encoding itself: leave it out, and set body_size to "
        "CRECHE_UNKNOWN_SIZE for a chunked body");
  }
  uint64_t size = 0;
  const char* end = field.value.data() + field.value.size();
  const auto [p, e] = std::from_chars(field.value.data(), end, size);
  const bool number = e == std::errc() && p == end;
  if (number && head.framing != Framing::kChunked &&
      size == (head.framing == Framing::kSized ? head.body_size : 0))
    return {};
  return Invalid(
      "the Content-Length header contradicts the body: leave it out, the library writes it");
}

// What stands in a URL's authority: no blank, no path. It may be empty.
bool IsHost(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("/?#@\\\"<>,").find(c) == std::string_view::npos;
  });
}

}  // namespace

bool IsIdempotent(std::string_view method) noexcept {
  static constexpr std::string_view kMethods[] = {"GET", "HEAD",   "OPTIONS",
                                                  "PUT", "DELETE", "TRACE"};
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

Result<void> CheckRequest(const RequestHead& head) {
  if (!IsToken(head.method))
    return Invalid("the method is no token: use a word like GET, in capitals");
  if (head.method == "CONNECT") return Invalid("CONNECT asks for a tunnel, not for a resource");
  for (const HeaderList* list : {&head.headers, &head.session_headers}) {
    if (list->Count(Known::kHost) > 1) return Invalid("a request has one Host header only");
    if ((list->known() & (kFramingNames | Bit(Known::kHost))) == 0) continue;
    for (size_t i = 0; i < list->size(); i++) {
      const HeaderList::Field field = list->at(i);
      if (field.known == Known::kHost && !IsHost(field.value))
        return Invalid("the Host header is no host: write it like example.org or example.org:8080");
      if (field.known != Known::kContentLength && field.known != Known::kTransferEncoding) continue;
      if (auto r = CheckFraming(head, field); !r.ok()) return r;
    }
  }
  return {};
}

}  // namespace creche::http
