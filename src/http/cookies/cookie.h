// Cookie: one cookie, as it is kept.
#pragma once
#include <cstdint>
#include <string>

namespace creche::http {

struct Cookie {
  static constexpr int64_t kSession = INT64_MAX;  // ends with the jar

  std::string name;
  std::string value;
  std::string domain;  // lower case, without a leading dot
  std::string path;
  std::string same_site;       // as it was said; "" if it was not
  int64_t expires = kSession;  // seconds since 1970
  bool secure = false;
  bool http_only = false;
  bool host_only = true;  // for `domain` alone, not for what is below it

  uint64_t created = 0;  // a count: which came first
  uint64_t used = 0;     // when it was sent last
};

}  // namespace creche::http
