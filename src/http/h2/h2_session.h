// H2Session: the frames of one connection as nghttp2 reads and writes them: it knows the states of
// streams, HPACK, flow control and what RFC 9113 forbids. Bytes go in by Receive and come out by
// Fill; what they mean is told inside these two, to who has the stream or to the listener,
// who may submit more, but end and destroy nothing there.
#pragma once
#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/buffer.h"

namespace creche::http {

class H2Stream;

class H2Session {
 public:
  class Listener {
   public:
    // What the peer allows has changed.
    virtual void OnSettings() noexcept = 0;
    // It has confirmed what this side said.
    virtual void OnSettingsTaken() noexcept = 0;
    // The peer takes no new streams. Those that it has not taken are told OnClosed.
    virtual void OnGoAway(uint32_t code, std::string_view text) noexcept = 0;
    virtual void OnPong() noexcept = 0;
    // The peer broke the rules: nothing more is received. why: what GOAWAY tells it.
    virtual void OnTerminated(uint32_t code, std::string_view why) noexcept = 0;

   protected:
    ~Listener() = default;
  };
  struct Options {
    uint32_t max_head = 64 << 10;  // of a list of fields, as RFC 9113 counts
    int32_t stream_window = 0;     // bytes of a body that may come unasked
    int32_t window = 0;            // of all bodies together
  };

  // What is sent first is submitted. May throw bad_alloc.
  H2Session(const Options& options, Listener* listener);
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  // All of these: false, or 0, or a negative number, without memory or after a failure (failed()).
  // The number of the new stream. body: something follows the head, for which it is asked.
  int32_t Submit(H2Stream* stream, const nghttp2_nv* fields, size_t count, bool body) noexcept;
  bool Reset(int32_t stream, uint32_t code) noexcept;
  // There is something to be sent, which there was not when it was asked.
  bool Resume(int32_t stream) noexcept;
  // So many bytes of a body need no room any more: the peer may send others. 0 for the connection.
  bool Consumed(int32_t stream, size_t size) noexcept;
  bool Widen(int32_t stream, int32_t window) noexcept;
  bool Ping() noexcept;
  // The last frame of this side.
  bool GoAway() noexcept;
  // Who is told of this stream from now on; null: nobody.
  void Give(int32_t stream, H2Stream* to) noexcept;

  bool Receive(const char* data, size_t size) noexcept;
  // Appends what is to be sent, until there are about `most` bytes.
  bool Fill(Buffer* out, size_t most) noexcept;
  bool wants_fill() const noexcept { return nghttp2_session_want_write(session_.get()) != 0; }

  // Of nghttp2; 0 for none.
  int failed() const noexcept { return failed_; }
  // Requests that the peer allows at a time.
  uint32_t max_streams() const noexcept {
    return nghttp2_session_get_remote_settings(session_.get(),
                                               NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  }
  // Of a list of fields, that the peer takes.
  uint32_t peer_max_head() const noexcept {
    return nghttp2_session_get_remote_settings(session_.get(),
                                               NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE);
  }
  // It takes requests for another protocol (RFC 8441).
  bool takes_protocols() const noexcept {
    return nghttp2_session_get_remote_settings(session_.get(),
                                               NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
  }
  // How much of a body may be sent now, without what other streams need.
  size_t SendWindow(int32_t stream) const noexcept;
  // Numbers are left for more streams.
  bool has_numbers() const noexcept {
    return nghttp2_session_get_next_stream_id(session_.get()) < (1u << 31) - 2;
  }
  // Frames that wait to be sent.
  size_t queued() const noexcept { return nghttp2_session_get_outbound_queue_size(session_.get()); }
  bool terminated() const noexcept { return terminated_; }

 private:
  friend struct H2Callbacks;
  struct Deleter {
    void operator()(nghttp2_session* session) const noexcept { nghttp2_session_del(session); }
  };
  bool Check(int result) noexcept {
    if (nghttp2_is_fatal(result) != 0) failed_ = result;
    return failed_ == 0;
  }

  Listener* const listener_;
  const size_t most_continuations_;  // of one head
  size_t continuations_ = 0;         // of the one that comes
  std::unique_ptr<nghttp2_session, Deleter> session_;
  Buffer* out_ = nullptr;  // in Fill
  size_t most_ = 0;
  H2Stream* head_of_ = nullptr;  // whose head is complete with what mem_send is about to give
  bool head_is_last_ = false;
  int32_t reset_by_peer_ = 0;  // the last stream
  bool by_http1_ = false;      // what it has not taken when it went away it wants by HTTP/1.1
  int failed_ = 0;
  const char* excess_ = nullptr;  // of what there was too much
  bool terminated_ = false;
};

}  // namespace creche::http
