// AnswerReader: what each message of the server's means. The session's books are kept here; rows go
// to the command that waits for them. Loop's thread.
#pragma once
#include "core/error.h"
#include "pg/pipeline.h"
#include "pg/protocol/message.h"
#include "pg/protocol/message_reader.h"
#include "pg/protocol/server_fields.h"
#include "pg/rows/row_builder.h"
#include "pg/session_state.h"
#include "pg/shared.h"
#include "pg/wire/wire.h"

namespace creche::pg {

class AnswerReader {
 public:
  class Listener {
   public:
    // The first in flight has ended.
    virtual void OnReady(TransactionStatus status) noexcept = 0;
    // The first in flight has an error of our own making, and is to be stopped.
    virtual void OnGivenUp(Flight* flight) noexcept = 0;
    // The connection is of no use any more.
    virtual void OnUnusable(const ErrorRef& why) noexcept = 0;
    // Somebody has said NOTIFY.
    virtual void OnNotification(uint32_t /*process*/, std::string_view /*channel*/,
                                std::string_view /*payload*/) noexcept {}

   protected:
    ~Listener() = default;
  };

  AnswerReader(Listener& listener, const Endpoint& endpoint, SessionState& session, Shared& shared,
               Pipeline& pipeline)
      : listener_(listener),
        process_(endpoint.process()),
        session_(session),
        shared_(shared),
        pipeline_(pipeline) {}

  // Takes all messages that have come, until the wire is paused or stopped.
  void TakeAll(Wire* wire) noexcept;
  // A flight has ended: what was collected of its result is forgotten.
  void Clear() noexcept { whole_.Clear(); }
  // What the server said before it closed; null: nothing.
  const ErrorRef& last_words() const noexcept { return last_words_; }
  // The server has said that from this flight on none was begun.
  size_t not_begun() const noexcept { return not_begun_; }

 private:
  bool TakeUsual(std::string_view bytes, Inbox* inbox) noexcept;
  size_t MaxRow() noexcept;
  void Take(const Message& message) noexcept;
  void TakeBound(Flight* flight) noexcept;
  void TakeCopy(Flight* flight, const Message& message) noexcept;
  void TakeReady(const Message& message) noexcept;
  void TakeRow(Flight* flight, const Message& message) noexcept;
  void TakeColumns(Flight* flight, const Message& message) noexcept;
  void TakeNoColumns(Flight* flight) noexcept;
  void TakeTypes(Flight* flight, const Message& message) noexcept;
  void TakeBackend(const Message& message) noexcept;
  void TakeTag(Flight* flight, const Message& message) noexcept;
  void TakeEnd(Flight* flight, std::string_view tag) noexcept;
  void TakeSuspended(Flight* flight) noexcept;
  void BeginRows(Flight* flight) noexcept;
  void TakeParameter(const Message& message) noexcept;
  void TakeNotification(const Message& message) noexcept;
  void GiveUp(Flight* flight, ErrorRef why) noexcept;
  // answer_errors.cc
  void TakeError(const Message& message) noexcept;
  void TakeNotice(const Message& message) noexcept;
  void SkipRest(Flight* flight) noexcept;
  void ForgetStatement(Flight* flight, bool executing, const ServerFields& fields) noexcept;
  void TakeLastWords(const ServerFields& fields) noexcept;
  void RefuseProtocol(const char* why) noexcept;

  Listener& listener_;
  const int process_;  // that the handshake has named
  SessionState& session_;
  Shared& shared_;
  Pipeline& pipeline_;
  MessageReader reader_;
  RowCollector whole_;  // results that are taken as a whole: one at a time
  ErrorRef last_words_;
  size_t not_begun_ = SIZE_MAX;
};

}  // namespace creche::pg
