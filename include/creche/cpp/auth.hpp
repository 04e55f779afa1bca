// creche/cpp/auth.hpp: what is shown to servers that want to know who one is.
#ifndef CRECHE_CPP_AUTH_HPP
#define CRECHE_CPP_AUTH_HPP

#include <string>

#include "text.hpp"

namespace creche {

/// Credentials, for session_options.auth and request_options.auth: `creche::auth me =
/// creche::auth::basic("anna", "secret");`. It has copies of the texts, and never shows them.
class auth {
 public:
  /// At once.
  static auth basic(std::string user, std::string password) {
    return {CRECHE_AUTH_BASIC, std::move(user), std::move(password), {}};
  }
  /// When it is asked for.
  static auth digest(std::string user, std::string password) {
    return {CRECHE_AUTH_DIGEST, std::move(user), std::move(password), {}};
  }
  /// What is asked for, the best of both.
  static auth any(std::string user, std::string password) {
    return {CRECHE_AUTH_BASIC | CRECHE_AUTH_DIGEST, std::move(user), std::move(password), {}};
  }
  /// A token, at once.
  static auth bearer(std::string token) { return {CRECHE_AUTH_BEARER, {}, {}, std::move(token)}; }

  /// For the C API, as long as this lives and is not changed.
  creche_auth in_c() const {
    creche_auth c{};
    c.size = sizeof c;
    c.schemes = schemes_;
    if (schemes_ == CRECHE_AUTH_BEARER) {
      c.token = token_.c_str();
    } else {
      c.user = user_.c_str();
      c.password = password_.c_str();
    }
    return c;
  }

 private:
  auth(uint32_t schemes, std::string user, std::string password, std::string token)
      : schemes_(schemes),
        user_(std::move(user)),
        password_(std::move(password)),
        token_(std::move(token)) {}
  uint32_t schemes_;
  std::string user_;
  std::string password_;
  std::string token_;
};

}  // namespace creche
#endif
