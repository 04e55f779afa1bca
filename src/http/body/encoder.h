// Encoder: a content coding of a request's body, made piece by piece.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace creche::http {

enum class BodyCoding : uint8_t { kNone, kGzip, kDeflate };
// As Content-Encoding says it.
std::string_view NameOf(BodyCoding coding) noexcept;

class Encoder {
 public:
  virtual ~Encoder() = default;
  // Begins anew.
  virtual void Reset() noexcept = 0;
  // The next piece coded, as far as it is; all of it with `last`. May throw bad_alloc.
  virtual std::string Encode(std::string_view piece, bool last) = 0;
};

// kGzip or kDeflate (with zlib's header). May throw bad_alloc.
std::unique_ptr<Encoder> MakeEncoder(BodyCoding coding);

}  // namespace creche::http
