// br (RFC 7932).
#include <brotli/decode.h>

#include <new>

#include "http/body/decoder.h"

namespace creche::http {

namespace {

class Brotli : public Decoder {
 public:
  Brotli() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (!state_) throw std::bad_alloc();
  }
  bool Decode(std::string_view* in, char* out, size_t capacity, size_t* made) noexcept override {
    *made = 0;
    if (BrotliDecoderIsFinished(state_.get())) {
      *in = {};
      return true;
    }
    size_t left = in->size();
    size_t room = capacity;
    auto* next_in = reinterpret_cast<const uint8_t*>(in->data());
    auto* next_out = reinterpret_cast<uint8_t*>(out);
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state_.get(), &left, &next_in, &room, &next_out, nullptr);
    in->remove_prefix(in->size() - left);
    *made = capacity - room;
    if (result == BROTLI_DECODER_RESULT_SUCCESS) *in = {};
    return result != BROTLI_DECODER_RESULT_ERROR;
  }
  bool NoMemory() const noexcept override {
    // All the errors of its allocations, each by what it was for, lie side by side.
    const BrotliDecoderErrorCode error = BrotliDecoderGetErrorCode(state_.get());
    return error <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
           error >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
  }
  bool Complete() const noexcept override {
    return BrotliDecoderIsFinished(state_.get()) || !BrotliDecoderIsUsed(state_.get());
  }

 private:
  struct Destroy {
    void operator()(BrotliDecoderState* state) const { BrotliDecoderDestroyInstance(state); }
  };
  std::unique_ptr<BrotliDecoderState, Destroy> state_;
};

}  // namespace

std::unique_ptr<Decoder> MakeBrotliDecoder() {
  return std::make_unique<Brotli>();
}

}  // namespace creche::http
