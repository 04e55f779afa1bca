// H2Tunnel: a stream that carries another protocol both ways, once a CONNECT was granted (RFC 9113,
// 8.5; RFC 8441). Who speaks that has its end, a Transport; when that goes, what it was given goes
// out all the same, and then the end of the stream: as a socket does it.
#pragma once
#include <memory>

#include "core/blocks.h"
#include "core/buffer.h"
#include "core/transport.h"
#include "http/h2/h2_stream.h"
#include "http/h2/receive_window.h"

namespace creche::http {

class H2Connection;

class H2Tunnel final : public H2Stream, public FromBlocks {
 public:
  // What its exchange leaves.
  struct Begun {
    int32_t stream = 0;     // 0: it is closed
    bool asked = false;     // the session was told that there is nothing to be sent now
    bool ended = false;     // the server says nothing more
    ErrorRef failure = {};  // or it has failed already
    Buffer early = {};      // what came
  };
  H2Tunnel(H2Connection& connection, Begun begun) noexcept;
  // Once: open and reading. May throw bad_alloc.
  std::unique_ptr<Transport> MakeEnd();

 private:
  class End;
  // What the end is to know.
  enum Todo : uint8_t { kReadable = 1, kWritable = 2 };

  void OnHeadBegins() noexcept override;
  bool OnField(std::string_view, std::string_view) noexcept override { return true; }
  void OnHeadEnds(bool) noexcept override {}
  void OnDataBegins(size_t) noexcept override {}
  void OnData(const char* data, size_t size) noexcept override;
  void OnLastData() noexcept override;
  void OnInvalid(const char* why) noexcept override;
  void OnClosed(bool by_peer, uint32_t code) noexcept override;
  void OnBegun() noexcept override {}
  void OnFilled(bool last) noexcept override;
  size_t BodyToSend(size_t most, bool* last) noexcept override;
  std::string_view TakeBody(size_t size) noexcept override;
  void OnSettled() noexcept override {}
  void Tell() noexcept override;
  void OnWritten() noexcept override {}
  void OnProgress() noexcept override {}
  void OnBroken(const ErrorRef& error, bool unsent) noexcept override;
  void OnTime(Nanos now) noexcept override;

  // The end's.
  IoResult Read(void* into, size_t capacity) noexcept;
  IoResult Write(const iovec* parts, size_t count) noexcept;
  void Leave() noexcept;

  bool readable() const noexcept { return !in_.empty() || ended_ || failure_; }
  void Note(uint8_t what) noexcept;
  void Fail(Status status, const char* text, uint32_t code) noexcept;
  void Fail(ErrorRef error) noexcept;
  void ReadAgain() noexcept;
  void Wake() noexcept;

  H2Connection& connection_;
  End* end_ = nullptr;         // null: it is gone
  bool* told_gone_ = nullptr;  // in Tell: set when it goes
  Buffer in_;                  // came, and is not read; the server may not send others for it
  Buffer out_;                 // to be sent
  ReceiveWindow window_;
  ErrorRef failure_;
  uint32_t reset_code_;
  uint8_t todo_ = 0;
  bool asked_;
  bool ended_;
  bool wants_room_ = false;  // a Write was not taken whole
};

}  // namespace creche::http
