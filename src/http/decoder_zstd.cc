// zstd (RFC 8878), one or more frames.
#include <zstd.h>

#include <new>

#include "http/decoder.h"

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
    ZSTD_inBuffer input{in->data(), in->size(), 0};
    ZSTD_outBuffer output{out, capacity, 0};
    bool good = true;
    // A call ends at the end of a frame; the next one begins another.
    while (output.pos < capacity && (input.pos < input.size || more_)) {
      const size_t before = input.pos + output.pos;
      const size_t result = ZSTD_decompressStream(stream_.get(), &output, &input);
      good = !ZSTD_isError(result);
      if (!good) break;
      inside_ = result != 0;
      more_ = inside_ && output.pos == capacity;
      if (input.pos + output.pos == before) break;
    }
    in->remove_prefix(input.pos);
    *made = output.pos;
    return good;
  }
  bool Complete() const noexcept override { return !inside_; }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  bool inside_ = false;  // of a frame that has begun
  bool more_ = false;    // the last call filled its room: there may be output left
};

}  // namespace

std::unique_ptr<Decoder> MakeZstdDecoder() {
  return std::make_unique<Zstd>();
}

}  // namespace creche::http
