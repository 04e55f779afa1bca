#include "http/trailer.h"

namespace creche::http {

bool IsForbiddenInTrailer(std::string_view name) noexcept {
  static constexpr std::string_view kForbidden[] = {
      "Age",
      "Authorization",
      "Cache-Control",
      "Connection",
      "Content-Encoding",
      "Content-Length",
      "Content-Range",
      "Content-Type",
      "Cookie",
      "Date",
      "Expect",
      "Expires",
      "Host",
      "Keep-Alive",
      "Location",
      "Max-Forwards",
      "Pragma",
      "Proxy-Authenticate",
      "Proxy-Authorization",
      "Proxy-Connection",
      "Range",
      "Retry-After",
      "Set-Cookie",
      "Set-Cookie2",
      "TE",
      "Trailer",
      "Transfer-Encoding",
      "Upgrade",
      "Vary",
      "Warning",
      "WWW-Authenticate",
  };
  for (const std::string_view forbidden : kForbidden)
    if (SameName(name, forbidden)) return true;
  return false;
}

void AddToTrailer(std::unique_ptr<ResponseHead>* trailer, std::string_view name,
                  std::string_view value) {
  if (IsForbiddenInTrailer(name)) return;
  if (!*trailer) *trailer = std::make_unique<ResponseHead>();
  (*trailer)->Add(name, value);
}

}  // namespace creche::http
