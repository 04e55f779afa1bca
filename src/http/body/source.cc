#include "http/body/source.h"

#include <utility>

namespace creche::http {

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
  source.pulled_ = true;
  source.complete_ = size == 0;
  return source;
}

BodySource BodySource::PulledOfUnknownSize() {
  BodySource source;
  source.framing_ = Framing::kChunked;
  source.pulled_ = true;
  source.complete_ = false;
  return source;
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
