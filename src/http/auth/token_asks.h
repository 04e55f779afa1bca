// TokenAsks: tokens that somebody's function is asked for and gives later: one at a time for each
// login, and the calls that wait for it together. Loop's thread only, but for Give.
#pragma once
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "core/error.h"
#include "http/auth/login.h"
#include "http/hold.h"

namespace creche::http {

class TokenAsks {
 public:
  // One question, and what became of it.
  struct Ask final : RefCounted {
    LoginRef login;
    uint64_t id = 0;
    Hold::Line waiting;
    bool answered = false;
    ErrorRef error;     // why there is none
    std::string token;  // "": there is none, and that is no failure
  };

  // The one that is open for this login, or null.
  Ref<Ask> Find(const Login* login) const;
  // Asks. session: its handle, for who answers. refused: see TokenQuestion. May throw bad_alloc.
  Ref<Ask> Begin(LoginRef login, uint64_t session, bool refused);
  // Any thread. kState: nobody was asked so, or it has been answered; else Take is to follow on the
  // loop. May throw bad_alloc.
  Status Give(uint64_t id, ErrorRef error, std::string token);
  // One of those that were answered since, or null. Who waits for it is the caller's to let go.
  Ref<Ask> Take();

 private:
  struct Given {
    uint64_t id;
    ErrorRef error;
    std::string token;
  };
  std::vector<Ref<Ask>> open_;
  std::mutex lock_;              // of the rest
  std::vector<uint64_t> asked_;  // and not answered
  std::vector<Given> given_;     // and not taken
  uint64_t last_id_ = 0;
};

}  // namespace creche::http
