// Setup: what a pool's user wants to be done with a connection each time that it is given to
// somebody who has it alone: the SQL of its options, and then a body of his own, as a child of the
// operation that waits for the connection. If either fails so does that operation. Loop's thread.
#pragma once
#include <optional>

#include "pg/command/setup_script.h"
#include "pg/connection_lease.h"
#include "tasks/operation.h"

namespace creche::pg {

class Setup final : private SetupScript::Owner, private tasks::BodyListener {
 public:
  using Owner = SetupScript::Owner;
  // Whether this pool has any.
  static bool Wanted(const Pool& pool) noexcept { return pool.setup() || pool.calls().setup; }

  // operation: the owner, as the tree knows it.
  Setup(Owner& owner, tasks::Operation& operation, Pool& pool);
  // lease: with a handle, of the operation. May call back at once.
  void Begin(const Ref<ConnectionLease>& lease) noexcept;
  // Once at most. True: it was not sent, and OnSetUp does not follow.
  bool Stop() noexcept;

 private:
  void OnSetUp(Ending ending) noexcept override;
  void BodyEnded(tasks::Outcome outcome) noexcept override;

  Owner& owner_;
  tasks::Operation& operation_;
  Pool& pool_;
  Ref<ConnectionLease> lease_;
  Nanos until_ = kNever;
  std::optional<SetupScript> script_;
  bool stopping_ = false;
};

// Null, or why a body that has ended so has failed: of what the pool runs on a connection, named
// `what`.
ErrorRef BodyError(const tasks::Outcome& outcome, const ConnectionLease& lease, const char* what,
                   bool may_leave_open) noexcept;

}  // namespace creche::pg
