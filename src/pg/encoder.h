// Encoder: writes a command for one session, and notes in its flight what the server will answer,
// so that what is sent and what is expected cannot differ. What is run for the second time it
// prepares. Loop's thread.
#pragma once
#include <cstddef>

#include "pg/command/command.h"
#include "pg/flight.h"
#include "pg/protocol/message_writer.h"
#include "pg/session_state.h"
#include "pg/shared.h"

namespace creche::pg {

class Encoder {
 public:
  // Bytes that a command takes, at most.
  static size_t Most(const Command& command, const SessionState& session,
                     const Shared& shared) noexcept;

  // room: where Most bytes are free. now: the turn's time. behind_changes: Pipeline::has_changes.
  Encoder(SessionState& session, Shared& shared, Flight& flight, char* room, Nanos now,
          bool behind_changes) noexcept
      : session_(session),
        shared_(shared),
        flight_(flight),
        out_(room),
        now_(now),
        behind_changes_(behind_changes) {}

  // ---- For Command::Encode: one of them, once ----
  // Its statements, by the extended protocol.
  void Statements(const Command& command) noexcept;
  // The same, with the result of each of them; unprepared, and as many as there are. each: each has
  // a synchronization point of its own.
  void Batch(const Command& command, bool each) noexcept;
  // Its statement is described, and not run.
  void Describe(const Command& command) noexcept;
  // Its statement is to be run with many rows of parameters: what it is, and the first of these
  // follow later.
  void Repeated(const Command& command, bool describe) noexcept;
  // By the simple protocol.
  void Script(const Statement& script) noexcept;
  // What columns a statement has, without running it.
  void Preview(const Statement& statement) noexcept;
  // One COPY, by the simple protocol: whatever is between us and the server knows it that way, and
  // after an error in the middle nothing need be sent.
  void Copy(const Statement& copy) noexcept;
  // The same behind a description of its first statement: from then on nobody alters what that has,
  // in the transaction that both are in.
  void CopyDescribed(const Command& command) noexcept;
  Flight& flight() noexcept { return flight_; }

  // Behind the last byte.
  char* end() const noexcept { return out_.end(); }

 private:
  void Add(const Statement& statement, bool prepare, uint32_t max_rows, bool last) noexcept;
  // What running it may change of the session.
  void Note(const Statement& statement) noexcept;
  // What stands for values without a binary form is in its text.
  bool NamesText(const Statement& statement) const noexcept;
  void AskForBackend() noexcept;

  SessionState& session_;
  Shared& shared_;
  Flight& flight_;
  MessageWriter out_;
  const Nanos now_;
  const bool behind_changes_;
};

}  // namespace creche::pg
