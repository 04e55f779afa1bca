// Websocket: what a creche_websocket names: a connection whose handshake is over. Messages that
// have come wait here until they are received; with too many the server is held back. What is sent
// goes out in the order of the calls, control frames between messages.
//
//   open -> closing (a close was sent, or is to be) -> over (the connection is gone)
//
// Loop's thread but for its handle.
#pragma once
#include <deque>
#include <memory>
#include <string>

#include "core/handles.h"
#include "core/loop_job.h"
#include "core/transport.h"
#include "http/call.h"
#include "http/guest.h"
#include "http/websocket/frame_reader.h"
#include "http/websocket/frame_writer.h"
#include "http/websocket/handshake.h"
#include "tasks/operation.h"

namespace creche::http {

class CloseOperation;
class ReceiveOperation;
class SendOperation;

// creche_websocket_options, checked.
struct WebsocketSettings {
  uint64_t max_message = 16 << 20;
  Nanos heartbeat = kNever;
  Nanos close_timeout = 10 * kSecond;
};

class Websocket final : public Object,
                        public tasks::Lease,
                        private Guest,
                        private Transport::Listener {
 public:
  // May throw bad_alloc.
  Websocket(Ref<Loop> loop, const WebsocketSettings& settings, WebsocketTerms terms);

  // Any thread.
  Loop& loop() const noexcept { return *loop_; }
  const std::string& protocol() const noexcept { return terms_.protocol; }
  void Released() noexcept override;

  // Loop's thread. Takes the connection over, with what had come behind the answer.
  void Open(Calls* calls, Call::Upgraded upgraded) noexcept;
  void Send(SendOperation* operation) noexcept;
  // False if it is under way: it goes out all the same.
  bool Unsend(SendOperation* operation) noexcept;
  void Receive(ReceiveOperation* operation) noexcept;
  void StopReceiving() noexcept { receiver_ = nullptr; }
  void Close(CloseOperation* operation, uint16_t code, std::string reason) noexcept;
  void StopClosing(CloseOperation* operation) noexcept;

  void GiveBack() noexcept override;
  const char* LeaseName() const noexcept override { return "websocket"; }

 private:
  struct Message : tasks::Held {
    bool text = false;
    std::string bytes;
  };

  void OnReadable() noexcept override;
  void OnWritable() noexcept override { Write(); }
  void OnSessionClosed(const ErrorRef& error) noexcept override;

  void Feed(const char* data, size_t size) noexcept;
  void FeedAll(const char* data, size_t size);
  void TakeMessage();
  void OnPeerClosed(uint16_t code, std::string_view reason);
  void Serve() noexcept;
  void PauseIfFull() noexcept;

  void Write() noexcept;
  bool WriteAll();
  bool NextOut();
  void AppendControl(Opcode opcode, std::string_view payload);
  void EncodeSend();
  uint32_t NextMask() noexcept;
  void SayClose(uint16_t code, std::string_view reason);
  void FailSends(const ErrorRef& error) noexcept;

  // What has happened, and where.
  ErrorRef Fault(Status status, Phase phase, const char* text) const noexcept;
  void Lost(ErrorRef error) noexcept;
  void Leave(uint16_t code) noexcept;
  void Drop() noexcept;
  ErrorRef Gone() const noexcept;
  void OnHeartbeat() noexcept;
  void OnCloseTimeout() noexcept;
  void OnReleased() noexcept { Leave(1000); }

  // With more than this unreceived the server is held back, until there is less than that.
  static constexpr size_t kHigh = 256 << 10;
  static constexpr size_t kLow = 64 << 10;
  static constexpr size_t kOverhead = 128;
  static constexpr size_t kMostPongs = 4 << 10;

  const Ref<Loop> loop_;
  const WebsocketSettings settings_;
  const WebsocketTerms terms_;
  Calls* calls_ = nullptr;  // while it is a guest of theirs
  std::string where_;       // for messages
  Reservation reservation_;
  std::unique_ptr<Transport> transport_;  // null: over
  bool counted_ = false;                  // its bytes are

  // Receiving.
  FrameReader reader_;
  std::deque<std::unique_ptr<Message>> messages_;
  size_t held_ = 0;
  ReceiveOperation* receiver_ = nullptr;
  bool paused_ = false;
  Nanos heard_ = 0;

  // Sending.
  MessageDeflater deflater_;
  std::string out_;  // what is being written
  size_t out_at_ = 0;
  std::deque<SendOperation*> sends_;
  SendOperation* sending_ = nullptr;  // whose message is in out_
  bool out_has_ping_ = false;
  bool ping_wanted_ = false;
  std::string pongs_;  // frames that answer pings
  uint64_t masks_ = 0;

  // The close.
  bool close_wanted_ = false;  // behind what is to be sent
  bool close_said_ = false;
  bool peer_closed_ = false;
  std::string close_payload_;
  uint16_t close_code_ = 0;  // the peer's; 1005: it said none; 1006: it never did
  std::string close_reason_;
  std::deque<CloseOperation*> closers_;
  ErrorRef failure_;  // null after a proper close

  Timer heartbeat_;
  Nanos pinged_ = 0;  // since the last byte was heard: the ping has gone out
  bool awaiting_pong_ = false;
  Timer close_timer_;
  LoopJob<&Websocket::OnReleased> release_{this};
};

}  // namespace creche::http
