// zstd (RFC 8878), one or more frames.
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <new>
#include <utility>

#include "http/body/decoder.h"

namespace creche::http {

namespace {

// RFC 9659: over HTTP no window may be larger than 8 MiB.
constexpr int kMaxWindowLog = 23;

class Zstd : public Decoder {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {
    if (!stream_) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  }
  bool Decode(std::string_view* in, char* out, size_t capacity, size_t* made) noexcept override {
    *made = 0;
    while (*made < capacity && (!in->empty() || more_)) {
      if (between_ && !Begin(in)) return !bad_;
      size_t used = 0;
      size_t n = 0;
      if (!Step(*in, out + *made, capacity - *made, &used, &n)) return false;
      in->remove_prefix(used);
      *made += n;
      if (used + n == 0) break;
    }
    return true;
  }
  bool NoMemory() const noexcept override { return no_memory_; }
  bool Complete() const noexcept override { return !inside_; }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  // One call, which ends at the end of a frame. False if the bytes are no frame, or one too many.
  bool Step(std::string_view in, char* out, size_t capacity, size_t* used, size_t* made) noexcept {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out, capacity, 0};
    const size_t result = ZSTD_decompressStream(stream_.get(), &output, &input);
    no_memory_ = ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation;
    if (ZSTD_isError(result)) return false;
    *used = input.pos;
    *made = output.pos;
    empty_ = empty_ && output.pos == 0;
    inside_ = result != 0;
    more_ = inside_ && output.pos == capacity;
    if (inside_) return true;
    between_ = true;
    return !std::exchange(empty_, true) || ++empties_ <= kMaxEmptyParts;
  }
  // Looks for the next frame. False: there is none, as far as can be seen.
  bool Begin(std::string_view* in) noexcept {
    while (started_ < sizeof start_ && !in->empty() && !behind_) {
      start_[started_++] = in->front();
      in->remove_prefix(1);
      behind_ = !MayBegin({start_, started_});
    }
    if (behind_) *in = {};
    if (behind_ || started_ < sizeof start_) return false;
    size_t used = 0;
    size_t made = 0;
    char none;
    bad_ = !Step({start_, started_}, &none, 0, &used, &made) || used < started_;
    started_ = 0;
    between_ = more_ = false;
    return !bad_;
  }
  // A frame (RFC 8878, 3.1.1), or one to be skipped (3.1.2).
  static bool MayBegin(std::string_view start) {
    static constexpr char kFrame[] = {'\x28', '\xb5', '\x2f', '\xfd'};
    static constexpr char kSkipped[] = {'\x50', '\x2a', '\x4d', '\x18'};
    const auto begins = [&](const char* magic, char mask) {
      return (start[0] & mask) == magic[0] && std::equal(start.begin() + 1, start.end(), magic + 1);
    };
    return begins(kFrame, '\xff') || begins(kSkipped, '\xf0');
  }

  std::unique_ptr<ZSTD_DStream, Free> stream_;
  char start_[4] = {};  // of what comes behind a frame
  size_t started_ = 0;
  int empties_ = 0;       // frames that held nothing
  bool empty_ = true;     // the one that is open has made nothing yet
  bool between_ = false;  // a frame has ended, no other has begun
  bool behind_ = false;   // what comes is no frame
  bool bad_ = false;
  bool no_memory_ = false;
  bool inside_ = false;  // of a frame that has begun
  bool more_ = false;    // the last call filled its room: there may be output left
};

}  // namespace

std::unique_ptr<Decoder> MakeZstdDecoder() {
  return std::make_unique<Zstd>();
}

}  // namespace creche::http
