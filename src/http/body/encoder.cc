#include "http/body/encoder.h"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace creche::http {

namespace {

class ZlibEncoder final : public Encoder {
 public:
  explicit ZlibEncoder(BodyCoding coding) {
    const int bits = MAX_WBITS + (coding == BodyCoding::kGzip ? 16 : 0);
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
      throw std::bad_alloc();
  }
  ~ZlibEncoder() override { deflateEnd(&stream_); }

  void Reset() noexcept override { deflateReset(&stream_); }

  std::string Encode(std::string_view piece, bool last) override {
    static constexpr size_t kStep = 16 << 10;
    constexpr size_t kMost = 1 << 30;  // zlib counts in 32 bits
    std::string out;
    do {
      const size_t size = std::min(piece.size(), kMost);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
      stream_.avail_in = static_cast<uInt>(size);
      piece.remove_prefix(size);
      const int flush = last && piece.empty() ? Z_FINISH : Z_NO_FLUSH;
      do {
        const size_t had = out.size();
        out.resize(had + kStep);
        stream_.next_out = reinterpret_cast<Bytef*>(out.data() + had);
        stream_.avail_out = static_cast<uInt>(kStep);
        deflate(&stream_, flush);
        out.resize(had + kStep - stream_.avail_out);
      } while (stream_.avail_out == 0);
    } while (!piece.empty());
    return out;
  }

 private:
  z_stream stream_{};
};

}  // namespace

std::string_view NameOf(BodyCoding coding) noexcept {
  switch (coding) {
    case BodyCoding::kGzip:
      return "gzip";
    case BodyCoding::kDeflate:
      return "deflate";
    case BodyCoding::kNone:
      break;
  }
  return "";
}

std::unique_ptr<Encoder> MakeEncoder(BodyCoding coding) {
  return std::make_unique<ZlibEncoder>(coding);
}

}  // namespace creche::http
