// creche/url.h: joining of URLs.
#include <creche/url.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "capi/guard.h"
#include "http/scan.h"
#include "http/url_join.h"

using namespace creche;
using namespace creche::capi;

extern "C" creche_status creche_url_join(const char* base, const char* reference, char* joined,
                                         size_t capacity, size_t* size) {
  return Guard([&]() -> creche_status {
    if (size) *size = 0;
    if (joined && capacity > 0) *joined = '\0';
    if (!base || !reference) return Fail(Status::kInvalid, "base or reference is NULL");
    if (!joined && capacity > 0) return Fail(Status::kInvalid, "joined is NULL, capacity not 0");
    if (http::HasControl(base) || http::HasControl(reference))
      return Fail(Status::kUrl, "a URL holds a control character: percent-encode it");
    if (http::UrlScheme(base).empty())
      return Fail(Status::kUrl, "the base has no scheme: give a whole URL like http://host/path/");
    const std::string text = http::JoinUrl(base, reference);
    if (size) *size = text.size();
    if (capacity > 0) {
      const size_t fits = std::min(text.size(), capacity - 1);
      memcpy(joined, text.data(), fits);
      joined[fits] = '\0';
    }
    if (text.size() < capacity) return CRECHE_OK;
    return Fail(Status::kLimit, "the joined URL needs %zu bytes and a NUL: pass a larger buffer",
                text.size());
  });
}
