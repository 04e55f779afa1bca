// Entries: what stands in the list of callbacks to run, or in a queue. Guarded by the lock of the
// loop's domain, as nodes are.
#pragma once
#include <cstdint>

#include "tasks/operation.h"

namespace creche::tasks {

struct EndNode;
struct SleepNode;
struct Queue;

// A place in the list of callbacks to run, or in a queue. What it belongs to is what it is a base
// of.
enum class EntryType : uint8_t { kFinal, kBegin, kNotice, kMore, kPost, kYield };
struct Entry {
  Entry* next_entry = nullptr;
  EntryType entry_type = EntryType::kFinal;
  bool listed = false;
  What what = What::kDone;
};
// One with a result of its own (a chunk, a block of rows, a pull).
struct MoreEntry : Entry {
  explicit MoreEntry(EndNode* of) : node(of) { entry_type = EntryType::kMore; }
  EndNode* const node;
  Outcome outcome;
  uint64_t hold = 0;
};
// A posted function, or the last completion of a close: for fn, or for a queue.
struct PostEntry : Entry {
  PostEntry() { entry_type = EntryType::kPost; }
  DoneFn fn = nullptr;
  void* user = nullptr;
  uint64_t value = 0;
  Queue* queue = nullptr;  // counted in Queue::refs and accepted
};
// A user's task is told something; Entry::what says what, and so which of these it is. That it may
// begin is told by the entry of its end, which it needs later (kBegin), unless that goes to a
// queue, where both may wait.
struct BeginEntry : Entry {};
struct CancelEntry : Entry {};
struct StalledEntry : Entry {};
// Where a yield ends: behind what was there when it was called.
struct YieldEntry : Entry {
  YieldEntry(SleepNode* of, uint64_t now) : node(of), turn(now) { entry_type = EntryType::kYield; }
  SleepNode* node;      // null once that was cut
  const uint64_t turn;  // in which it began: it does not end in the same
};

}  // namespace creche::tasks
