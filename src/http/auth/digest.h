// Digest authentication (RFC 7616, and 2069 for servers that know no qop): what to answer to a
// challenge, again and again while its nonce is good.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/auth/challenge.h"
#include "http/credentials.h"

namespace creche::http {

class Digest {
 public:
  // The strongest of the challenges that can be answered; false if there is none.
  bool Choose(const std::vector<Challenge>& challenges);
  bool ready() const { return !nonce_.empty(); }
  bool stale() const { return stale_; }
  // What Authorization says of the next request; counts it. uri: as the request line has it. body:
  // for auth-int; null: it is not at hand. "" if it cannot be answered. May throw bad_alloc.
  std::string Answer(const Credentials& credentials, std::string_view method, std::string_view uri,
                     const std::string_view* body);

 private:
  int rank_ = -1;  // of the algorithm
  bool session_ = false, userhash_ = false, stale_ = false;
  bool auth_ = false, auth_int_ = false;
  std::string algorithm_;  // as the challenge says it; "" if it does not
  std::string realm_, nonce_, opaque_;
  uint32_t count_ = 0;
};

}  // namespace creche::http
