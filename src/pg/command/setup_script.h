// SetupScript: what a pool's user wants to be run on a connection each time that it is given to
// somebody who has it alone. If it fails so does what it was to be given to. Loop's thread.
#pragma once
#include "core/loop.h"
#include "pg/command/script.h"

namespace creche::pg {

class Connection;

class SetupScript final : public Script {
 public:
  class Owner {
   public:
    // It has ended, well if there is no error. This may be destroyed inside.
    virtual void OnSetUp(Ending ending) noexcept = 0;

   protected:
    ~Owner() = default;
  };
  SetupScript(Owner& owner, Loop& loop, const Statement& script, Nanos timeout);
  // May call back at once.
  void Begin(Connection* connection) noexcept;
  // True: it was not sent, and OnSetUp does not follow.
  bool Stop() noexcept;

 private:
  void OnEnd(Ending ending) noexcept override;
  static void OnTimer(void* self) noexcept;

  Owner& owner_;
  Loop& loop_;
  const Nanos timeout_;
  Connection* connection_ = nullptr;
  Timer timer_;
  bool late_ = false;
};

}  // namespace creche::pg
