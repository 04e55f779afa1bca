#include "http/body/source.h"

#include <utility>

namespace creche::http {

BodySource::BodySource(const BodySource& o)
    : bytes_(o.bytes_),
      size_(o.size_),
      producer_(o.producer_ ? o.producer_->Clone() : nullptr),
      encoder_(o.encoder_ ? MakeEncoder(o.coding_) : nullptr),
      coding_(o.coding_),
      framing_(o.framing_),
      pulled_(o.pulled_),
      rewindable_(o.rewindable_),
      sized_(o.sized_),
      complete_(o.complete_) {}

BodySource BodySource::Bytes(std::string bytes) {
  BodySource source;
  source.framing_ = Framing::kSized;
  source.size_ = bytes.size();
  source.bytes_ = std::move(bytes);
  return source;
}

BodySource BodySource::Pulled(uint64_t size) {
  BodySource source;
  source.framing_ = Framing::kSized;
  source.size_ = size;
  source.sized_ = true;
  source.pulled_ = true;
  source.complete_ = size == 0;
  return source;
}

BodySource BodySource::Produced(std::unique_ptr<BodyProducer> producer, uint64_t size) {
  BodySource source;
  source.framing_ = Framing::kSized;
  source.size_ = size;
  source.sized_ = true;
  source.complete_ = size == 0;
  source.producer_ = std::move(producer);
  return source;
}

void BodySource::EncodeAs(BodyCoding coding) {
  encoder_ = MakeEncoder(coding);
  coding_ = coding;
  framing_ = Framing::kChunked;
  complete_ = false;
}

BodySource BodySource::PulledOfUnknownSize() {
  BodySource source;
  source.framing_ = Framing::kChunked;
  source.pulled_ = true;
  source.complete_ = false;
  return source;
}

Problem BodySource::Encode(std::string* piece, bool more) {
  if (!encoder_) return {};
  given_ += piece->size();
  if (sized_ && given_ > size_)
    return {Status::kBody, "more was given for the body than body_size says"};
  if (sized_ && !more && given_ < size_)
    return {Status::kBody, "less was given for the body than body_size says"};
  *piece = encoder_->Encode(*piece, !more);
  return {};
}

void BodySource::Rewind() noexcept {
  taken_ = given_ = 0;
  rewinds_++;
  if (producer_) producer_->Rewind();
  if (producer_ || pulled_) complete_ = framing_ == Framing::kSized && size_ == 0;
  if (encoder_) encoder_->Reset();
}

Problem BodySource::Take(size_t size, bool more) noexcept {
  taken_ += size;
  if (framing_ != Framing::kSized) {
    complete_ = !more;
    return {};
  }
  if (taken_ > size_) return {Status::kBody, "more was given for the body than body_size says"};
  if (!more && taken_ < size_)
    return {Status::kBody, "less was given for the body than body_size says"};
  complete_ = taken_ == size_;
  return {};
}

}  // namespace creche::http
