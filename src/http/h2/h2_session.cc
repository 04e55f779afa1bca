#include "http/h2/h2_session.h"

#include <algorithm>
#include <new>
#include <utility>

#include "http/h2/h2_memory.h"
#include "http/h2/h2_stream.h"

namespace creche::http {

namespace {

// Until the peer says how many requests it allows at a time (RFC 9113, 6.5.2).
constexpr uint32_t kStreamsAtFirst = 100;
// Fields that are sent: the peer's own limit is looked at before.
constexpr size_t kMostSent = 64 << 20;
// Most of the frames of a head are as large as they may be, all but so many.
constexpr size_t kFrame = 16 << 10;
constexpr size_t kSmallFrames = 4;
// nghttp2 counts a frame of a head anew for each piece in which its first 9 bytes come.
[[maybe_unused]] constexpr size_t kCuts = 9;

std::string_view View(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

// What nghttp2 calls.
struct H2Callbacks {
  static H2Session& Of(void* self) noexcept { return *static_cast<H2Session*>(self); }
  // Null if nobody is to be told.
  static H2Stream* Find(nghttp2_session* session, int32_t stream) noexcept {
    return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, stream));
  }

  // Nothing more is taken, and the peer hears that it was too much.
  static int EndOf(nghttp2_session* session, H2Session& of, const char* excess) noexcept {
    of.excess_ = excess;
    return nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM) == 0
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int OnBeginFrame(nghttp2_session* session, const nghttp2_frame_hd* head,
                          void* self) noexcept {
    H2Session& of = Of(self);
    if (head->type != NGHTTP2_CONTINUATION)
      of.continuations_ = 0;
    else if (++of.continuations_ > of.most_continuations_)
      return EndOf(session, of, "a head came in too many frames");
    if (head->type != NGHTTP2_DATA) return 0;
    if (H2Stream* its = Find(session, head->stream_id)) its->OnDataBegins(head->length);
    return 0;
  }

  static int OnBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void*) noexcept {
    if (frame->hd.type != NGHTTP2_HEADERS) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // push
    if (H2Stream* its = Find(session, frame->hd.stream_id)) its->OnHeadBegins();
    return 0;
  }

  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void*) noexcept {
    H2Stream* its = Find(session, frame->hd.stream_id);
    if (!its || its->OnField(View(name, name_size), View(value, value_size))) return 0;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  // A field that may not be: with it the answer is malformed (RFC 9113, 8.2.1).
  static int OnInvalidHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t*,
                             size_t, const uint8_t*, size_t, uint8_t, void*) noexcept {
    if (H2Stream* its = Find(session, frame->hd.stream_id))
      its->OnInvalid("a header field with a name or value that is not allowed came");
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* self) noexcept {
    H2Session& of = Of(self);
    const bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (H2Stream* its = Find(session, frame->hd.stream_id)) its->OnHeadEnds(last);
        break;
      case NGHTTP2_DATA:
        if (H2Stream* its = last ? Find(session, frame->hd.stream_id) : nullptr) its->OnLastData();
        break;
      case NGHTTP2_RST_STREAM:
        of.reset_by_peer_ = frame->hd.stream_id;
        break;
      case NGHTTP2_SETTINGS:
        if (ack)
          of.listener_->OnSettingsTaken();
        else
          of.listener_->OnSettings();
        break;
      case NGHTTP2_PING:
        if (ack) of.listener_->OnPong();
        break;
      case NGHTTP2_GOAWAY:
        of.by_http1_ = frame->goaway.error_code == NGHTTP2_HTTP_1_1_REQUIRED;
        of.listener_->OnGoAway(frame->goaway.error_code,
                               View(frame->goaway.opaque_data, frame->goaway.opaque_data_len));
        break;
      default:
        break;
    }
    return 0;
  }

  static int OnInvalidFrame(nghttp2_session* session, const nghttp2_frame* frame, int error,
                            void*) noexcept {
    if (H2Stream* its = Find(session, frame->hd.stream_id)) its->OnInvalid(nghttp2_strerror(error));
    return 0;
  }

  static int OnData(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t* data,
                    size_t size, void* self) noexcept {
    // A slow reader holds back its own body and no other one.
    if (!Of(self).Consumed(0, size)) return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (H2Stream* its = Find(session, stream))
      its->OnData(reinterpret_cast<const char*>(data), size);
    return 0;
  }

  static int OnStreamClose(nghttp2_session* session, int32_t stream, uint32_t code,
                           void* self) noexcept {
    H2Stream* its = Find(session, stream);
    if (!its) return 0;
    // So nghttp2 closes what the server has not taken when it goes away.
    const bool left = code == NGHTTP2_REFUSED_STREAM && Of(self).reset_by_peer_ != stream;
    const bool by_http1 = left && Of(self).by_http1_;
    its->OnClosed(by_http1 || Of(self).reset_by_peer_ == stream,
                  by_http1 ? static_cast<uint32_t>(NGHTTP2_HTTP_1_1_REQUIRED) : code);
    return 0;
  }

  static int BeforeFrame(nghttp2_session* session, const nghttp2_frame* frame, void*) noexcept {
    if (frame->hd.type == NGHTTP2_HEADERS)
      if (H2Stream* its = Find(session, frame->hd.stream_id)) its->OnBegun();
    return 0;
  }

  static int OnFrameSent(nghttp2_session* session, const nghttp2_frame* frame,
                         void* self) noexcept {
    const bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      Of(self).head_of_ = Find(session, frame->hd.stream_id);
      Of(self).head_is_last_ = last;
    } else if (frame->hd.type == NGHTTP2_DATA) {
      if (H2Stream* its = Find(session, frame->hd.stream_id)) its->OnFilled(last);
    } else if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
      H2Session& of = Of(self);
      of.terminated_ = true;
      const nghttp2_goaway& what = frame->goaway;
      of.listener_->OnTerminated(
          what.error_code,
          of.excess_ ? std::string_view(of.excess_) : View(what.opaque_data, what.opaque_data_len));
    }
    return 0;
  }

  static ssize_t ReadBody(nghttp2_session* session, int32_t stream, uint8_t*, size_t most,
                          uint32_t* flags, nghttp2_data_source*, void*) noexcept {
    H2Stream* its = Find(session, stream);
    if (!its) return NGHTTP2_ERR_DEFERRED;
    bool last = false;
    const size_t size = its->BodyToSend(most, &last);
    if (size == 0 && !last) return NGHTTP2_ERR_DEFERRED;
    *flags = NGHTTP2_DATA_FLAG_NO_COPY;
    if (last) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  static int SendBody(nghttp2_session* session, nghttp2_frame* frame, const uint8_t* head,
                      size_t size, nghttp2_data_source*, void* self) noexcept {
    H2Session& of = Of(self);
    if (of.out_->size() >= of.most_) return NGHTTP2_ERR_WOULDBLOCK;
    constexpr size_t kHead = 9;
    H2Stream* its = Find(session, frame->hd.stream_id);
    if (!its) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (!of.out_->Reserve(kHead + size)) return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (!of.out_->Append(head, kHead) || !of.out_->Append(its->TakeBody(size)))
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    return 0;
  }

  static nghttp2_session* Make(H2Session* self) {
    const std::unique_ptr<nghttp2_session_callbacks, void (*)(nghttp2_session_callbacks*)> calls(
        [] {
          nghttp2_session_callbacks* made = nullptr;
          nghttp2_session_callbacks_new(&made);
          return made;
        }(),
        nghttp2_session_callbacks_del);
    const std::unique_ptr<nghttp2_option, void (*)(nghttp2_option*)> options(
        [] {
          nghttp2_option* made = nullptr;
          nghttp2_option_new(&made);
          return made;
        }(),
        nghttp2_option_del);
    if (!calls || !options) throw std::bad_alloc();
    nghttp2_session_callbacks* c = calls.get();
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, OnBeginFrame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, OnBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(c, OnHeader);
    nghttp2_session_callbacks_set_on_invalid_header_callback(c, OnInvalidHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, OnFrame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, OnInvalidFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, OnData);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, OnStreamClose);
    nghttp2_session_callbacks_set_before_frame_send_callback(c, BeforeFrame);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, OnFrameSent);
    nghttp2_session_callbacks_set_send_data_callback(c, SendBody);
    nghttp2_option_set_no_auto_window_update(options.get(), 1);
    nghttp2_option_set_peer_max_concurrent_streams(options.get(), kStreamsAtFirst);
    nghttp2_option_set_max_send_header_block_length(options.get(), kMostSent);
#ifdef CRECHE_HAVE_MAX_CONTINUATIONS
    // Where it counts as well, its own limit is behind that of this session.
    nghttp2_option_set_max_continuations(options.get(), kCuts * (self->most_continuations_ + 1));
#endif
    nghttp2_session* session = nullptr;
    if (nghttp2_session_client_new3(&session, c, self, options.get(), H2Memory::Of()) != 0)
      throw std::bad_alloc();
    return session;
  }
};

H2Session::H2Session(const Options& options, Listener* listener)
    : listener_(listener),
      most_continuations_(options.max_head / kFrame + kSmallFrames),
      session_(H2Callbacks::Make(this)) {
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<uint32_t>(options.stream_window)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.max_head},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  if (nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings, std::size(settings)) !=
          0 ||
      !Widen(0, options.window))
    throw std::bad_alloc();
}

int32_t H2Session::Submit(H2Stream* stream, const nghttp2_nv* fields, size_t count,
                          bool body) noexcept {
  nghttp2_data_provider provider{};
  provider.read_callback = H2Callbacks::ReadBody;
  const int32_t number = nghttp2_submit_request(session_.get(), nullptr, fields, count,
                                                body ? &provider : nullptr, stream);
  Check(number);
  return number;
}

bool H2Session::Reset(int32_t stream, uint32_t code) noexcept {
  return Check(nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, code));
}

bool H2Session::Resume(int32_t stream) noexcept {
  return Check(nghttp2_session_resume_data(session_.get(), stream));
}

bool H2Session::Consumed(int32_t stream, size_t size) noexcept {
  return Check(stream == 0 ? nghttp2_session_consume_connection(session_.get(), size)
                           : nghttp2_session_consume_stream(session_.get(), stream, size));
}

bool H2Session::Widen(int32_t stream, int32_t window) noexcept {
  return Check(
      nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, stream, window));
}

bool H2Session::Ping() noexcept {
  return Check(nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr));
}

bool H2Session::GoAway() noexcept {
  return Check(nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR));
}

void H2Session::Give(int32_t stream, H2Stream* to) noexcept {
  nghttp2_session_set_stream_user_data(session_.get(), stream, to);
}

bool H2Session::Receive(const char* data, size_t size) noexcept {
  if (failed_ != 0) return false;
  const ssize_t used =
      nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const uint8_t*>(data), size);
  if (used < 0) failed_ = static_cast<int>(used);
  return failed_ == 0;
}

bool H2Session::Fill(Buffer* out, size_t most) noexcept {
  out_ = out;
  most_ = most;
  while (failed_ == 0 && out->size() < most) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
    if (size == 0) break;
    if (size < 0)
      failed_ = static_cast<int>(size);
    else if (!out->Append(data, static_cast<size_t>(size)))
      failed_ = NGHTTP2_ERR_NOMEM;
    else if (H2Stream* its = std::exchange(head_of_, nullptr))
      its->OnFilled(head_is_last_);
  }
  return failed_ == 0;
}

size_t H2Session::SendWindow(int32_t stream) const noexcept {
  const int32_t all = nghttp2_session_get_remote_window_size(session_.get());
  const int32_t its = nghttp2_session_get_stream_remote_window_size(session_.get(), stream);
  return static_cast<size_t>(std::max(0, std::min(all, its)));
}

}  // namespace creche::http
