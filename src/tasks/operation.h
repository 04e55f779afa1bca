// Operation: the work behind a library task (a fetch, a query, ...), and what it may do to the
// tree. This is all that the protocol layers need to know of structured concurrency:
//
//   * Start runs once on the loop's thread, unless the task was cancelled before: then the
//     operation is destroyed without it, and the task completes with CRECHE_E_CANCELLED.
//     What keeps its order is told even so: Drop runs where Start would have, and completes.
//   * Cancel runs at most once, on the loop's thread, after Start and before Complete. The
//     operation cleans up (closes the socket, cancels the query and drains) and then completes:
//     with Outcome::Cancelled(), or with its result if that was there first. It must end within a
//     bound.
//   * Complete is called exactly once, on the loop's thread, from Start, Cancel, an I/O callback,
//     a timer or a job. It commits the result: nothing can change it any more; the user is told
//     later in the turn. After it the operation is destroyed, later, on the loop's thread, never
//     inside.
//
// All of it without a lock held. No exception may leave any of these functions.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/handles.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/status.h"

namespace creche::tasks {

struct Node;
struct EndNode;
struct OwnerNode;
struct OperationNode;
struct PostEntry;
class Resident;
class Tree;

// creche_completion.kind
enum class What : uint8_t {
  kDone = 0,
  kBegin = 1,
  kCancel = 2,
  kPull = 3,
  kAsk = 4,
  kChunk = 5,
  kEnd = 6,
  kRows = 7,
  kPost = 8,
  kStalled = 9,
  kEvent = 10,
  kMessage = 11,
  kNotify = 12,
};

// Memory that a completion's data points into, kept until the callback has returned or the drained
// completion is released; then destroyed, on any thread (let the destructor submit a Job if it must
// tell the loop).
class Held {
 public:
  virtual ~Held() = default;
};

// A result on its way to the user.
struct Outcome {
  Status status = Status::kOk;
  What what = What::kDone;
  uint32_t code = 0;
  bool owned = false;  // value is a handle from AddObject, the user's from now on
  uint64_t value = 0;
  const void* data = nullptr;
  size_t size = 0;
  ErrorRef error = {};              // not null if status is not kOk
  std::unique_ptr<Held> held = {};  // what data points into, unless into value

  static Outcome Failed(ErrorRef error) {
    Outcome o;
    o.status = error->status();
    o.error = std::move(error);
    return o;
  }
  // The tree makes the error, with the reason of the cancellation; `phase` goes into it.
  static Outcome Cancelled(Phase phase) {
    Outcome o;
    o.status = Status::kCancelled;
    o.code = static_cast<uint32_t>(phase);
    return o;
  }
};

// A lease: something that belongs to the nearest task, group or loop, and holds it open: a
// connection, an unfinished response. Derive the resource from it. Loop's thread only, but for
// MoveTo, and the handle's release, which the resource passes on to the loop by a Job.
class Lease : public ListNode<Lease> {
 public:
  // The owner has finished, or is cancelled and has nothing else left: give it back now. Detach was
  // called already. The handle should be ended with ForgetObject.
  virtual void GiveBack() noexcept = 0;
  // The same with the tree's lock held, for what the tree itself looks after. True if it is done.
  virtual bool GiveBackLocked() noexcept { return false; }
  // For dumps: "connection", "response". Static text.
  virtual const char* LeaseName() const noexcept = 0;
  // Ends the lease: its owner is no longer held open. Harmless if it is not attached.
  void Detach() noexcept;
  // Any thread. Hands it to the task, group or loop nearest to `to`; `loop` is its own. kOk also if
  // it holds nobody open any more; kEnded if it is being given back; kWrongLoop, what a start in
  // `to` would return, and the handle errors.
  Status MoveTo(Loop& loop, uint64_t to) noexcept;

 protected:
  Lease() = default;
  virtual ~Lease() = default;

 private:
  friend class Tree;
  friend class Operation;
  Tree* tree_ = nullptr;  // since it was first attached; the rest is guarded by its lock
  OwnerNode* owner_ = nullptr;
  bool given_back_ = false;
};

// Where a completion goes. fn null: the nearest queue, else nobody.
enum class Route : uint8_t { kDefault, kFunction, kToGroup, kNobody, kListener };
struct Completion;  // twin of creche_completion
using DoneFn = void (*)(void* user, const Completion* completion);

struct ContextType;

// creche_task_options, checked; an argument of every start.
struct TaskOptions {
  const char* name = nullptr;
  const char* site = nullptr;
  Nanos deadline = kNever;
  Nanos timeout = kNever;  // from the call; not both of these
  bool move_on = false;
  bool shield = false;
  bool body = false;
  uint64_t queue = 0;
  const ContextType* context = nullptr;  // null: the starter's
};

// The arguments that every start has.
struct StartArgs {
  uint64_t in = 0;
  const TaskOptions* options = nullptr;  // null: defaults
  Route route = Route::kDefault;
  DoneFn done = nullptr;
  void* user = nullptr;
  uint64_t* task = nullptr;  // where the id is stored, before the task can end; may be null
};

class BodyListener;

class Operation {
 public:
  virtual ~Operation() = default;
  virtual void Start() noexcept = 0;
  virtual void Cancel() noexcept = 0;
  // The user's answer to Pull or Ask: bytes, and whether there is more to pull; or a failure.
  virtual void Answer(Status /*status*/, std::string /*bytes*/, bool /*more*/,
                      ErrorRef /*error*/) noexcept {}
  // What it waits for just now, for dumps: static text. Read by other threads while it runs, so
  // answer from a relaxed atomic.
  virtual const char* WaitsFor() const noexcept { return ""; }
  // True for work on a lease (a query on a connection, a read of a response): it finishes what
  // holds a slot of the group's limit, so it passes that limit.
  virtual bool PassesLimit() const noexcept { return false; }
  // True for what others of its kind depend on even if it never happens: statements of a
  // transaction. See Drop.
  virtual bool KeepsOrder() const noexcept { return false; }
  // Instead of Start, if its task was cancelled before, for what keeps its order: behind the Start
  // of all that was accepted earlier, before that of all that was accepted later. Completes.
  virtual void Drop() noexcept {}
  // False for what only waits for others in the loop (a limiter, a channel): it does not keep a
  // virtual clock from jumping.
  virtual bool WaitsForWorld() const noexcept { return true; }
  // The session or pool that it belongs to: when that is closed, it does not go on waiting for a
  // limit.
  virtual const Resident* Of() const noexcept { return nullptr; }

 protected:
  // See above.
  void Complete(Outcome outcome) noexcept;
  // Completes and hands `lease` to the task's owner in one step. If nobody takes the result (route
  // nobody, or it is discarded) the handle in outcome.value is released as any other.
  void CompleteWithLease(Outcome outcome, Lease* lease) noexcept;
  // Tells the user something before the end, with CRECHE_MORE. False without memory: nothing was
  // sent (fail the operation).
  [[nodiscard]] bool Deliver(Outcome outcome) noexcept;
  // The same, and hands `lease` to the task's owner in one step. The owner that waits for leases
  // only does not wait for this task once it rests: it gives the lease back, and that ends it.
  [[nodiscard]] bool DeliverWithLease(Outcome outcome, Lease* lease) noexcept;
  // The task has nothing more to do, and ends with the lease that it has delivered.
  void Rest() noexcept;
  // Asks the user for more of the body (kPull, hint in bytes) or a password (kAsk); Answer follows.
  [[nodiscard]] bool Ask(What what, uint64_t hint, uint32_t code = 0) noexcept;
  // True once the task has been asked to stop.
  bool cancelled() const noexcept;
  // False if nobody is ever told how it ends.
  bool heard() const noexcept;
  // The loop it runs on. Valid from Start on.
  Loop& loop() const noexcept;
  // The id of its task.
  uint64_t task_id() const noexcept;
  // True if it begins only to be told that its session or pool was closed while it waited for a
  // limit.
  bool closed_in_line() const noexcept;

 private:
  friend class Tree;
  friend class Trash;
  friend struct OperationNode;
  friend Status StartOperation(Loop&, const StartArgs&, std::unique_ptr<Operation>) noexcept;
  friend bool StartBody(Operation&, DoneFn, void*, uint64_t, BodyListener*,
                        const TaskOptions*) noexcept;
  OperationNode* node_ = nullptr;
  Tree* tree_ = nullptr;
  Operation* next_dead_ = nullptr;
};

// Starts a library operation in a scope. Any thread. `loop` is the one its session, pool or lease
// belongs to: kWrongLoop unless `in` does too. On failure the operation is destroyed, nothing
// happens and *args.task is 0.
Status StartOperation(Loop& loop, const StartArgs& args,
                      std::unique_ptr<Operation> operation) noexcept;

// The same in no scope but the loop's, with nobody to be told: what the library does of its own
// accord.
Status StartInLoop(Loop& loop, std::unique_ptr<Operation> operation) noexcept;

// Something that lives as long as a loop unless it is closed before: a session, a pool. The loop
// calls CloseForLoop on its thread when everything in the tree has ended; when all have said
// Closed, the loop ends. Keep a Ref in the object for as long as it is registered: the tree holds
// none.
class Resident : public ListNode<Resident> {
 public:
  virtual ~Resident() = default;
  virtual void CloseForLoop() noexcept = 0;

 private:
  friend class Residents;
  bool told_ = false;  // CloseForLoop was called
};
// Any thread. kClosed if the loop is closing.
Status AddResident(Loop& loop, Resident* resident) noexcept;
// Once, when it is closed to the last.
void RemoveResident(Loop& loop, Resident* resident) noexcept;
// It is being closed: its operations that wait for the limit of a group begin now, and the bodies
// that its operations run (StartBody) are cancelled: reason: shutdown, and this text. Loop's
// thread.
void TellOfClose(Loop& loop, const Resident* resident, const char* text) noexcept;

// The last completion of a close: made when the close is asked for, so that its delivery cannot
// fail.
class CloseNotice {
 public:
  CloseNotice() = default;
  // Any thread. args: its route and user; kDefault goes to `queue`, nobody is told if that is 0 or
  // was released. value: the handle of what is closed. kEnded or kClosed if nobody could be told
  // any more: the loop has ended, the queue is closed.
  static Status Make(Loop& loop, const StartArgs& args, uint64_t queue, uint64_t value,
                     CloseNotice* notice) noexcept;
  // The same and Deliver, for what is closed already.
  static Status Tell(Loop& loop, const StartArgs& args, uint64_t queue, uint64_t value) noexcept;
  // Loop's thread, once for each that was made: it comes after all that is to be called now.
  void Deliver(Loop& loop) noexcept;

 private:
  PostEntry* entry_ = nullptr;  // null: nobody is told
};
// Whether completions of this loop may be routed to a queue: 0 is none and fine.
Status CheckQueue(Loop& loop, uint64_t queue) noexcept;

// The loop behind a loop handle, with a reference; null with *status set.
Ref<Loop> FindLoop(uint64_t id, Status* status) noexcept;

// A task that runs a user's body as part of a library operation (creche_pool_transaction): a user
// task in the scope of the operation's own task, whose end is reported to `ended` on the loop's
// thread. value and flags travel in its CRECHE_BEGIN. Loop's thread. False without memory.
class BodyListener {
 public:
  virtual ~BodyListener() = default;
  // The body has finished and all its steps have ended. Loop's thread, no lock held.
  virtual void BodyEnded(Outcome outcome) noexcept = 0;
};
[[nodiscard]] bool StartBody(Operation& operation, DoneFn body, void* user, uint64_t value,
                             BodyListener* listener, const TaskOptions* options = nullptr) noexcept;

}  // namespace creche::tasks
