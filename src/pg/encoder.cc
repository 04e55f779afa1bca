#include "pg/encoder.h"

#include <algorithm>

#include "pg/protocol/backend_question.h"
#include "pg/sql/verb.h"

namespace creche::pg {

namespace {

// Names that one flight closes, at most.
constexpr size_t kClosedAtOnce = 4;

}  // namespace

size_t Encoder::Most(const Command& command, const SessionState& session,
                     const Shared& shared) noexcept {
  size_t most = session.cache.to_close() > 0 ? kClosedAtOnce * MessageWriter::kMostClose : 0;
  const size_t forms = std::max(session.widest_forms, shared.forms.widest());
  for (size_t i = 0; i < command.count(); i++)
    most += MessageWriter::Most(command.statement(i), forms);
  if (session.peer == SessionState::Peer::kUnknown) most += BackendQuestion::kMost;
  return most;
}

void Encoder::Script(const Statement& script) noexcept {
  out_.Query(script.text());
  flight_.steps.SetScript();
  flight_.commits = script.verb() == Verb::kProcedure;
  flight_.renames = script.sql().renames();
  flight_.names_text = NamesText(script);
  session_.maybe_in_transaction = true;
  session_.dirty = true;
}

void Encoder::Copy(const Statement& copy) noexcept {
  out_.Query(copy.text());
  flight_.steps.SetScript();
  flight_.leaves_state = LeavesState(copy.text());
}

void Encoder::CopyDescribed(const Command& command) noexcept {
  const Statement& copy = command.statement(1);
  out_.Parse({}, command.statement(0));
  out_.DescribeStatement({});
  out_.Query(copy.text());
  flight_.steps.AddDescribedScript();
  flight_.steps.Sent();
  flight_.leaves_state = LeavesState(copy.text());
}

void Encoder::Preview(const Statement& statement) noexcept {
  out_.Parse({}, statement);
  out_.Bind({}, statement, shared_.forms.Find(statement.hash(), flight_.implicit));
  out_.DescribePortal();
  out_.Sync();
  flight_.steps.AddStatement(true, true);
  flight_.steps.SetNotExecuted();
  flight_.steps.Sent();
}

void Encoder::Statements(const Command& command) noexcept {
  // In front of what may fail, because then the server skips the rest. Allowed in every state of a
  // transaction.
  for (size_t i = 0; i < kClosedAtOnce && session_.cache.to_close() > 0; i++) {
    out_.CloseStatement(session_.cache.NextToClose());
    flight_.steps.AddClose();
  }
  flight_.added = session_.cache.last() + 1;
  const bool prepare = command.prepare() && session_.prepares();
  for (size_t i = 0; i < command.count(); i++)
    Add(command.statement(i), prepare, command.max_rows(), i + 1 == command.count());
  out_.Sync();
  flight_.steps.Sent();
}

void Encoder::Batch(const Command& command, bool each) noexcept {
  for (size_t i = 0; i < command.count(); i++) {
    const Statement& s = command.statement(i);
    if (!s.sql().leaves_nothing()) Note(s);
    out_.Parse({}, s);
    out_.Bind({}, s, shared_.forms.Find(s.hash(), flight_.implicit));
    out_.DescribePortal();
    out_.Execute();
    if (each) out_.Sync();
  }
  if (!each) out_.Sync();
  flight_.each = true;
  // Nothing of it may be run a second time unseen.
  if (each) flight_.implicit = false;
  flight_.steps.AddAlike(static_cast<uint32_t>(command.count()), each);
  flight_.steps.Sent();
}

void Encoder::Describe(const Command& command) noexcept {
  out_.Parse({}, command.statement(0));
  out_.DescribeStatement({});
  out_.Sync();
  flight_.steps.AddDescription();
  flight_.steps.Sent();
}

void Encoder::Repeated(const Command& command, bool describe) noexcept {
  Note(command.statement(0));
  flight_.each = true;
  flight_.steps.SetRepeated(describe);
  flight_.steps.Sent();
}

bool Encoder::NamesText(const Statement& s) const noexcept {
  constexpr size_t kMostLookedAt = 64 << 10;  // a script may be long
  const std::string_view text = s.text();
  return text.size() > kMostLookedAt || ReadsCatalog(text) || shared_.text_names.In(text);
}

void Encoder::Note(const Statement& s) noexcept {
  // What ends one leaves none, however it goes: a COMMIT that fails has rolled back. (One that was
  // cancelled before it ran has not; "ready" will say so.)
  if (s.verb() == Verb::kTransaction) {
    session_.maybe_in_transaction = s.text() != "COMMIT" && s.text() != "ROLLBACK";
    flight_.edge = true;
  }
  const Renames renames = s.sql().renames();
  if (renames > flight_.renames) flight_.renames = renames;
  if (s.verb() == Verb::kOther || s.verb() == Verb::kProcedure || renames != Renames::kNothing)
    flight_.changes = true;
  if (s.verb() == Verb::kOther && NamesText(s)) flight_.names_text = true;
  if (s.verb() == Verb::kProcedure) flight_.commits = true;
  if (s.verb() != Verb::kQuery || s.sql().leaves_state()) flight_.leaves_state = true;
}

void Encoder::Add(const Statement& s, bool prepare, uint32_t max_rows, bool last) noexcept {
  if (!s.sql().leaves_nothing()) Note(s);
  // A name can be gone (26000), and what stands behind a BEGIN that failed happens outside of it.
  // Behind a statement that may change what names stand for it could not be run again in its order.
  if (s.verb() == Verb::kTransaction || behind_changes_) prepare = false;
  // In a transaction what fails for being outdated cannot be run again: what was prepared before
  // names have changed is prepared anew. Anywhere else that is soon enough when it fails.
  const uint64_t names = session_.names + shared_.names;
  const Prepared* prepared =
      prepare ? session_.cache.Find(s, now_, flight_.implicit ? 0 : names) : nullptr;
  // A name that is on its way may never come to be: its Parse fails in a failed transaction, by a
  // cancel, for want of a table. Until it was answered the statement does without; and so it does
  // with text that is not to be read as the types that were inferred.
  if (prepared && (!prepared->confirmed || !prepared->Fits(s))) prepared = nullptr, prepare = false;
  if (session_.peer == SessionState::Peer::kUnknown && prepared && prepared->columns)
    AskForBackend();
  // What is run for the second time is worth to be prepared.
  const bool parse = !prepared;
  if (parse) session_.catalog->Age(now_, session_.statement_lifetime);
  if (!prepared && prepare && shared_.history.Touch(s.hash()) &&
      (prepared = session_.cache.Add(s, now_, names))) {
    shared_.counters.prepares.Add();
    flight_.adds |= 1u << flight_.steps.statements();
  }
  const std::string_view name = prepared ? std::string_view(prepared->name) : std::string_view();
  if (parse) out_.Parse(name, s);
  const bool types = flight_.adds >> flight_.steps.statements() & 1 && s.infers_types();
  if (types) out_.DescribeStatement(name);
  // The rows of all but the last are thrown away. What a prepared statement's columns are is known,
  // and the server refuses to run it if they have become others; a pooler may prepare it on another
  // session, where they are what they are: then they are described each time.
  const bool known = prepared && prepared->columns && s.verb() == Verb::kQuery &&
                     prepared->columns->IsOf(session_.catalog.get());
  const bool describe = last && !(known && session_.peer == SessionState::Peer::kServer);
  out_.Bind(name, s,
            known ? &prepared->columns->forms() : shared_.forms.Find(s.hash(), flight_.implicit));
  if (last && known) flight_.columns = prepared->columns;
  if (describe) {
    out_.DescribePortal();
    if (prepared && s.verb() == Verb::kQuery) flight_.described = prepared->number;
  }
  out_.Execute(last ? max_rows : 0);
  flight_.steps.AddStatement(parse, describe, types);
}

// Once on each connection, with the first statement that gains from the answer. A pooler has keys
// of its own for cancelling, which name no process of the server's.
void Encoder::AskForBackend() noexcept {
  // Where nothing is lost if the server does not know the function, or where it is known to.
  if (flight_.steps.statements() > 0 || (!flight_.implicit && !shared_.tells_backend)) return;
  BackendQuestion::Write(&out_);
  flight_.steps.AddStatement(true, false);
  flight_.asks = true;
  session_.peer = SessionState::Peer::kAsked;
}

}  // namespace creche::pg
