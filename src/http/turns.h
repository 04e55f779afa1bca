// Turns: what a session's middleware is asked, and what it decides. Loop's thread only, but for
// Give.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/error.h"
#include "http/watch.h"

namespace creche::http {

// creche_turn.what
enum class Turn : uint32_t { kRequest = 0, kResponse = 1, kFailure = 2 };

// Twin of creche_turn.
struct TurnFields {
  uint32_t size = sizeof(TurnFields);
  Turn what = Turn::kRequest;
  uint64_t session = 0;
  uint64_t id = 0;
  uint64_t task = 0;
  void* user = nullptr;
  uint32_t attempt = 0;
  uint32_t http_status = 0;
  const char* method = nullptr;
  const char* url = nullptr;
  const WatchedField* headers = nullptr;
  size_t headers_count = 0;
  const ErrorFields* error = nullptr;
};

struct Decision {
  enum class Action : uint32_t { kGo = 0, kAgain = 1, kAnswer = 2, kFail = 3 };
  struct Field {
    std::string name;
    std::optional<std::string> value;  // none: the request has none of its own
  };
  Action action = Action::kGo;
  std::vector<Field> fields = {};
  int64_t delay = 0;
  uint32_t http_status = 0;
  std::string body = {};
  ErrorRef error = {};
};

// creche_middleware
struct Middleware {
  void (*ask)(void* user, const TurnFields* turn) = nullptr;
  void* user = nullptr;
  uint32_t turns = 0;
  uint32_t most_again = 10;
  bool Wants(Turn turn) const { return (turns >> static_cast<uint32_t>(turn) & 1) != 0; }
};

class Turns {
 public:
  class Owner {
   public:
    // In a clean place; may end and destroy the owner.
    virtual void OnDecision(Decision decision) noexcept = 0;

   protected:
    ~Owner() = default;
  };

  explicit Turns(const Middleware& middleware) : middleware_(middleware) {}
  const Middleware& middleware() const { return middleware_; }
  // Asks; what is decided inside is returned, else the owner is told later. *id names the turn
  // until then. May throw bad_alloc.
  std::optional<Decision> Ask(TurnFields* fields, Owner* owner, uint64_t* id);
  // The owner waits no longer.
  void Forget(uint64_t id) noexcept;
  // Any thread. kState: no such turn. May throw bad_alloc.
  Status Give(uint64_t id, Decision decision);
  // Tells the owners of what was given since.
  void Serve() noexcept;

 private:
  struct Open {
    Owner* owner;
    bool asking = true;  // Ask looks what was decided when its function has returned
    std::optional<Decision> decision = {};
  };
  const Middleware middleware_;
  std::mutex lock_;  // of the rest
  std::unordered_map<uint64_t, Open> open_;
  std::deque<uint64_t> given_;  // later, and not served; some may be forgotten
  uint64_t last_id_ = 0;
};

}  // namespace creche::http
