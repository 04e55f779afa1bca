// Member: a connection of a pool, with what the pool knows of it. Loop's thread.
#pragma once
#include <memory>

#include "pg/command/init_script.h"
#include "pg/command/reset.h"
#include "pg/connection.h"

namespace creche::pg {

class ConnectionLease;
class Pool;

// Which body of creche_pool_calls runs on a connection of the pool's own accord.
enum class Step : uint8_t { kNone, kInit, kReset };

class Member final : public ListNode<Member>, private Connection::Owner {
 public:
  enum class State : uint8_t { kIdle, kShared, kHeld, kResetting };
  Member(Pool& pool, Loop& loop, std::unique_ptr<Endpoint> endpoint,
         const Connection::Settings& settings, Shared& shared, const ResetStatements& statements)
      : pool_(pool),
        connection_(loop, *this, std::move(endpoint), settings, shared),
        loop_(loop),
        reset_(connection_, statements) {}

  Connection& connection() noexcept { return connection_; }
  Reset& reset() noexcept { return reset_; }
  // What is run on it when it is new, and behind each full reset; null: nothing.
  InitScript* init() noexcept { return init_.get(); }
  // May throw bad_alloc.
  void SetInit(const Statement& script, Nanos timeout) {
    init_ = std::make_unique<InitScript>(loop_, connection_, script, timeout);
    reset_.set_then(init_.get());
  }
  State state() const noexcept { return state_; }
  void set_state(State state) noexcept {
    state_ = state;
    connection_.set_shared(state == State::kShared);
  }
  // The lease that has it; null: none.
  ConnectionLease* holder() const noexcept { return holder_; }
  // rests: its user may let it rest before he uses it.
  void set_holder(ConnectionLease* holder, bool rests) noexcept {
    holder_ = holder;
    connection_.set_held(holder != nullptr, rests);
  }

  bool starting = false;     // nobody has had it yet
  bool initialized = false;  // `init` of the pool's calls has run
  bool reset_due = false;    // `reset` of the pool's calls is to run
  Step step = Step::kNone;   // that runs
  bool reserved = false;     // drains for somebody who needs it alone
  uint8_t level = 0;         // of Sharing
  uint32_t uses = 0;         // given out so often; counted if there is a limit
  Nanos began = 0;           // the attempt to open it
  Nanos idle_since = 0;
  Nanos expires = kNever;

 private:
  void OnProgress() noexcept override;
  void OnLost(const ErrorRef& why) noexcept override;
  void OnNotification(uint32_t process, std::string_view channel,
                      std::string_view payload) noexcept override;

  Pool& pool_;
  Connection connection_;
  Loop& loop_;
  Reset reset_;
  std::unique_ptr<InitScript> init_;
  State state_ = State::kHeld;
  ConnectionLease* holder_ = nullptr;
};

}  // namespace creche::pg
