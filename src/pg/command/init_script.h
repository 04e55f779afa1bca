// InitScript: what a pool's user wants to be run on each session before anybody gets it: when it is
// new, and behind each full reset, which would undo what it has set. If it fails the connection is
// dropped. Loop's thread.
#pragma once
#include "core/loop.h"
#include "pg/command/command.h"

namespace creche::pg {

class Connection;

class InitScript final : public Command {
 public:
  InitScript(Loop& loop, Connection& connection, const Statement& script, Nanos timeout);
  void Begin() noexcept;

 private:
  void Encode(Encoder* encoder) const noexcept override;
  void OnEnd(Ending ending) noexcept override;
  static void OnTimer(void* self) noexcept;

  Loop& loop_;
  Connection& connection_;
  const Nanos timeout_;
  Timer timer_;
};

}  // namespace creche::pg
