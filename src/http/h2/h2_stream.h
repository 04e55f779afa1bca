// H2Stream: one stream of a connection, as the session and the connection tell of it. Whoever
// derives from it is told of frames in the middle of something: then it only writes down what has
// happened, and the connection calls Tell when all that came has been read. It belongs to the
// connection. Loop's thread only.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "core/list.h"

namespace creche::http {

class H2Stream : public ListNode<H2Stream>,
                 public ListNode<H2Stream, struct ToTell>,
                 public ListNode<H2Stream, struct ToWrite> {
 public:
  virtual ~H2Stream() = default;
  H2Stream(const H2Stream&) = delete;
  H2Stream& operator=(const H2Stream&) = delete;

  // The session's, inside Receive and Fill.
  virtual void OnHeadBegins() noexcept = 0;
  // False: it is refused.
  virtual bool OnField(std::string_view name, std::string_view value) noexcept = 0;
  virtual void OnHeadEnds(bool last) noexcept = 0;
  // A frame with so many bytes of the body, at most.
  virtual void OnDataBegins(size_t size) noexcept = 0;
  virtual void OnData(const char* data, size_t size) noexcept = 0;
  virtual void OnLastData() noexcept = 0;
  virtual void OnInvalid(const char* why) noexcept = 0;
  // The stream is over; by whom, and why.
  virtual void OnClosed(bool by_peer, uint32_t code) noexcept = 0;
  // The head goes out.
  virtual void OnBegun() noexcept = 0;
  // A frame has gone out. last: nothing follows.
  virtual void OnFilled(bool last) noexcept = 0;
  // How many of up to `most` bytes there are to be sent; 0: none now, or, if *last, ever.
  virtual size_t BodyToSend(size_t most, bool* last) noexcept = 0;
  virtual std::string_view TakeBody(size_t size) noexcept = 0;

  // The connection's. What the server allows is known.
  virtual void OnSettled() noexcept = 0;
  // Something that somebody is to know; the stream may be gone behind it.
  virtual void Tell() noexcept = 0;
  // All that was filled has been written.
  virtual void OnWritten() noexcept = 0;
  // Some of it was.
  virtual void OnProgress() noexcept = 0;
  // The connection is of no use any more. unsent: before anything of this one had left.
  virtual void OnBroken(const ErrorRef& error, bool unsent) noexcept = 0;
  virtual void OnTime(Nanos now) noexcept = 0;

  // When OnTime is due; kNever for never.
  Nanos due() const noexcept { return due_; }
  int32_t stream() const noexcept { return stream_; }
  // In all that the connection has sent: where its head begins, where what was filled last ends.
  uint64_t begins_at() const noexcept { return begins_at_; }
  uint64_t filled_to() const noexcept { return filled_to_; }
  bool begun() const noexcept { return begun_; }

 protected:
  H2Stream() = default;

  uint64_t begins_at_ = 0;
  uint64_t filled_to_ = 0;
  Nanos due_ = kNever;
  int32_t stream_ = 0;  // 0: none yet, or it is closed
  bool begun_ = false;
};

}  // namespace creche::http
