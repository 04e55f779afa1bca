// Credentials: a user and a password, as a URL or an option has them, and as Basic says them.
#pragma once
#include <string>
#include <string_view>

namespace creche::http {

std::string Base64(std::string_view bytes);

struct Credentials {
  std::string user;
  std::string password;
  bool given = false;

  // "user:password" with its escapes undone; the first ':' separates.
  static Credentials OfUserInfo(std::string_view user_info);
  // "Basic dXNlcjpwYXNz" (RFC 7617).
  std::string Basic() const { return "Basic " + Base64(user + ":" + password); }
};

}  // namespace creche::http
