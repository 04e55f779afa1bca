#include "http/body/decoder.h"

#include <vector>

namespace creche::http {

namespace {

// Nobody codes more often than twice; each stage costs memory.
constexpr size_t kMaxCodings = 4;

using Make = std::unique_ptr<Decoder> (*)();

Make FindCoding(std::string_view name) {
  if (SameName(name, "gzip") || SameName(name, "x-gzip")) return MakeGzipDecoder;
  if (SameName(name, "deflate")) return MakeDeflateDecoder;
  if (SameName(name, "br")) return MakeBrotliDecoder;
  if (SameName(name, "zstd")) return MakeZstdDecoder;
  return nullptr;
}

// Two codings, one inside the other.
class Chain : public Decoder {
 public:
  Chain(std::unique_ptr<Decoder> outer, std::unique_ptr<Decoder> inner)
      : outer_(std::move(outer)), inner_(std::move(inner)) {}

  bool Decode(std::string_view* in, char* out, size_t capacity, size_t* made) noexcept override {
    *made = 0;
    for (;;) {
      size_t n = 0;
      const bool good = inner_->Decode(&between_, out + *made, capacity - *made, &n);
      *made += n;
      if (!good) return false;
      if (*made == capacity) return true;
      if (!between_.empty()) continue;  // it made something of it; go on
      if (broken_) return false;
      broken_ = !outer_->Decode(in, buffer_, sizeof buffer_, &n);
      between_ = {buffer_, n};  // what is wrong behind it comes after it
      if (n == 0) return !broken_;
    }
  }
  bool NoMemory() const noexcept override { return outer_->NoMemory() || inner_->NoMemory(); }
  bool Complete() const noexcept override {
    return between_.empty() && outer_->Complete() && inner_->Complete();
  }

 private:
  std::unique_ptr<Decoder> outer_;
  std::unique_ptr<Decoder> inner_;
  std::string_view between_;  // of buffer_: what inner_ has not taken yet
  bool broken_ = false;       // what is left does not decode
  char buffer_[16 << 10];
};

}  // namespace

std::unique_ptr<Decoder> MakeDecoder(const ResponseHead& head) {
  if (!head.Has(Known::kContentEncoding)) return nullptr;
  std::vector<Make> codings;  // in the order they were applied
  for (size_t i = 0; i < head.size(); i++) {
    if (head.known(i) != Known::kContentEncoding) continue;
    std::string_view list = head.at(i).value;
    std::string_view name;
    while (NextElement(&list, &name)) {
      if (name.empty() || SameName(name, "identity")) continue;
      const Make make = FindCoding(name);
      if (!make || codings.size() == kMaxCodings) return nullptr;
      codings.push_back(make);
    }
  }
  std::unique_ptr<Decoder> decoder;
  for (const Make make : codings)
    decoder = decoder ? std::make_unique<Chain>(make(), std::move(decoder)) : make();
  return decoder;
}

}  // namespace creche::http
