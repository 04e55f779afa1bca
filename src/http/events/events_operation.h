// EventsOperation: creche_session_events: a stream of server-sent events, over as many connections
// as it takes.
//
//   connecting (a call) -> streaming (its body) -> waiting (retry) -> connecting
//
// Events are delivered as they come, unless the user holds too many: then nothing more is read.
#pragma once
#include <atomic>
#include <memory>
#include <optional>

#include "core/blocks.h"
#include "core/buffer.h"
#include "http/call.h"
#include "http/events/event_parser.h"
#include "http/events/server_event.h"
#include "http/guest.h"
#include "http/session.h"
#include "tasks/operation.h"

namespace creche::http {

// creche_events_options, checked.
struct EventsSettings {
  std::string last_id;
  Nanos retry = 3 * kSecond;
  Nanos max_retry = 30 * kSecond;
  size_t max_data = 16 << 20;
  size_t max_held = 256 << 10;
  uint32_t attempts = 10;  // 0: no limit
  bool once = false;       // the end of the first connection is the end
  bool keep = false;       // events are handles of the user's
};

class EventsOperation final : public tasks::Operation,
                              public FromBlocks,
                              private Call::Owner,
                              private EventRoom::Owner,
                              private Guest {
 public:
  // Any thread. May throw bad_alloc.
  EventsOperation(tasks::ResidentUse<Session> session, EventsSettings settings);
  ~EventsOperation() override;
  // Before it is started: what is sent for each connection, or why that cannot be.
  Request& request() { return request_; }
  void set_refused(ErrorRef why) { refused_ = std::move(why); }

  void Start() noexcept override;
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override {
    return waits_for_.load(std::memory_order_relaxed);
  }
  const tasks::Resident* Of() const noexcept override { return of_; }

 private:
  bool OnHead() noexcept override;
  void OnBody() noexcept override { Pump(); }
  bool OnPull(uint64_t) noexcept override { return false; }  // nothing is pulled
  void OnSent() noexcept override {}
  void OnEnd(ErrorRef error) noexcept override;
  void OnRoom() noexcept override { Pump(); }
  void OnSessionClosed(const ErrorRef& error) noexcept override;

  void Connect() noexcept;
  void AddLastId();
  ErrorRef Refusal();
  void Pump() noexcept;
  bool PumpAll();
  bool Give();
  void Await(bool more) noexcept;
  void Lost() noexcept;
  void WaitAndConnect() noexcept;
  void Finish(uint32_t code) noexcept;
  void Fail(ErrorRef error) noexcept;
  void Leave() noexcept;
  ErrorRef ErrorOf(Status status, const char* text) const noexcept;
  void Waits(const char* what) noexcept { waits_for_.store(what, std::memory_order_relaxed); }

  // What is read at once.
  static constexpr size_t kPiece = 64 << 10;

  std::optional<tasks::ResidentUse<Session>> session_;
  const tasks::Resident* const of_ = session_->get();
  const EventsSettings settings_;
  ErrorRef refused_;
  Request request_;
  EventParser parser_;
  Calls* calls_ = nullptr;  // while it is a guest of theirs
  Ref<EventRoom> room_;
  std::unique_ptr<Timer> timer_;  // of the wait

  // Of a connection.
  std::unique_ptr<Call> call_;
  std::unique_ptr<StreamBody> stream_;
  Buffer piece_;
  Nanos since_ = 0;        // its stream
  bool ended_ = false;     // nothing more comes of it
  bool useful_ = false;    // something has come,
  bool eventful_ = false;  // an event
  bool no_more_ = false;   // the server does not want to be asked again
  bool blocked_ = false;
  ErrorRef loss_;  // why it ended, null for its own end

  bool pumping_ = false;
  bool completed_ = false;
  uint32_t connections_ = 0;  // with a stream
  uint32_t failures_ = 0;     // in a row
  uint32_t quiet_ = 0;        // connections in a row without an event
  std::atomic<const char*> waits_for_{"response"};
};

}  // namespace creche::http
