#include "pg/query_operation.h"

#include <algorithm>

#include "pg/script.h"

namespace creche::pg {

namespace {

// Rows affected, for creche_completion.code.
uint32_t Code(int64_t affected) {
  return static_cast<uint32_t>(std::clamp<int64_t>(affected, 0, UINT32_MAX));
}

ErrorRef NoCopy() noexcept {
  return MakeError(
      Status::kUnsupported, Phase::kQuery,
      "COPY is not supported: use INSERT ... SELECT unnest(...) to write much, a stream "
      "to read much",
      kUnsent);
}

}  // namespace

ErrorRef CheckStatement(const Statement& statement) noexcept {
  if (statement.error()) return statement.error();
  return statement.verb() == Verb::kCopy ? NoCopy() : nullptr;
}

void NoteByHand(ConnectionLease* lease, const Statement& statement, bool script) noexcept {
  if (!script && statement.verb() == Verb::kQuery) return;
  if (script ? ScriptEndsTransaction(statement.text()) : EndsTransaction(statement.text()))
    lease->ended_by_hand = true;
}

ErrorRef QueryOperation::Prepare() noexcept {
  if (script_ && statement_.error()) return statement_.error();
  if (script_ && ScriptCopies(statement_.text())) return NoCopy();
  if (!script_)
    if (ErrorRef error = CheckStatement(statement_)) return error;
  if (place_.lease()) NoteByHand(place_.lease(), statement_, script_);
  Run(&statement_);
  set_max_bytes(options_.max_bytes);
  set_prepare(options_.prepare);
  return nullptr;
}

void QueryOperation::Finish(Reply reply) noexcept {
  if (reply.error) {
    Break(reply);
    return Fail(std::move(reply.error));
  }
  tasks::Outcome outcome;
  outcome.code = Code(reply.affected);
  if (reply.rows) {
    const RowBlock* block = reply.rows->block();
    outcome.data = block;
    outcome.size = block->total_size;
    outcome.owned = true;
    outcome.value = AddObject(Kind::kRows, std::move(reply.rows), loop().id());
    if (outcome.value == 0) {
      Break({});
      return Fail(NoMemoryError());
    }
  }
  Complete(std::move(outcome));
}

}  // namespace creche::pg
