#include "http/body/refused_body.h"

#include <algorithm>
#include <new>

namespace creche::http {

Problem RefusedBody::Append(const char* data, size_t size) noexcept {
  if (full()) return {};
  try {
    if (!decoder_) {
      kept_.append(data, std::min(size, kMost - kept_.size()));
      return {};
    }
    std::string_view in(data, size);
    const size_t had = kept_.size();
    kept_.resize(kMost);
    size_t all = had;
    while (!in.empty() && all < kMost && !broken_) {
      size_t made = 0;
      broken_ = !decoder_->Decode(&in, kept_.data() + all, kMost - all, &made);
      all += made;
    }
    kept_.resize(all);
  } catch (const std::bad_alloc&) {
    broken_ = true;
  }
  return {};
}

}  // namespace creche::http
