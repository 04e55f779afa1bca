// Flight: a command that was sent, until the server has said how it ended. Outlives a command whose
// owner could not wait any longer.
#pragma once
#include <cstdint>

#include "core/error.h"
#include "pg/protocol/answer_steps.h"
#include "pg/rows/row_description.h"
#include "pg/rows/rows.h"
#include "pg/sql/history.h"
#include "pg/sql/verb.h"

namespace creche::pg {

class Command;

// What is copied and forgotten as one piece.
struct FlightFacts {
  Command* command = nullptr;  // null: nobody waits for it any more
  Phase phase = Phase::kQuery;
  History::Pace pace = History::Pace::kShort;
  bool paced = false;      // `pace` is known: something was to be sent behind it
  bool alone = false;      // nothing else may be in flight with it
  bool was_alone = false;  // nothing was in flight when it was sent
  bool cancelled = false;  // it was asked for
  bool firm = false;       // never to be cancelled on the server
  bool opens = false;      // Command::set_opens
  bool changes = false;    // what prepared statements mean, perhaps
  Renames renames = Renames::kNothing;
  bool names_text = false;    // TextNames::In
  bool edge = false;          // begins or ends a transaction, or goes back to a savepoint
  bool implicit = false;      // surely in no transaction but its own
  bool plain = false;         // its result leaves nothing behind
  bool leaves_state = false;  // something may stay in the session, whatever its tag is
  bool commits = false;       // a failure may have left a part of it done
  bool partial = false;       // rows of it were thrown away
  bool each = false;          // the results of all its statements are wanted
  bool asks = false;          // its first statement is BackendQuestion
  bool told = false;          // it has said itself that it is to be stopped
  bool stale = false;         // what was assumed of the session was not so: run it again
  AnswerSteps steps;
  uint32_t adds = 0;       // bit i: statement i is added to the cache
  uint32_t added = 0;      // number of the next one of these whose Parse will be answered
  uint32_t described = 0;  // number of the one whose columns the cache wants to know
  uint64_t begin = 0;      // where its first byte stands in all that was ever written
  uint64_t hash = 0;       // of what it ran, for the history; 0: of no interest
  int64_t affected = -1;
  Nanos sent = 0;           // at the end of the turn of this time
  Nanos since = 0;          // when it became the first
  Nanos asked = 0;          // when it was cancelled
  Nanos deadline = kNever;  // when its cancelling must be over
};

struct Flight : FlightFacts {
  ErrorRef error;
  Ref<Rows> rows;
  Ref<const RowDescription> columns;  // of the last statement's result
};

}  // namespace creche::pg
