// Challenges of WWW-Authenticate and Proxy-Authenticate (RFC 9110, 11.6.1): several in one field,
// and several fields.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace creche::http {

struct Challenge {
  std::string scheme;                                       // in small letters
  std::vector<std::pair<std::string, std::string>> params;  // names in small letters; unquoted

  // The value of a parameter; "" if there is none.
  std::string_view Find(std::string_view name) const {
    for (const auto& [known, value] : params)
      if (known == name) return value;
    return {};
  }
};

// Appends the challenges of one field; what cannot be read ends it. May throw bad_alloc.
void ReadChallenges(std::string_view field, std::vector<Challenge>* all);

}  // namespace creche::http
