// H2Head: the head of a request as HTTP/2 sends it: pseudo-header fields, then the fields in lower
// case, without those that are HTTP/1.1's own (RFC 9113, 8.2.2 and 8.3.1).
#pragma once
#include <nghttp2/nghttp2.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/blocks.h"
#include "http/request.h"

namespace creche::http {

class H2Head {
 public:
  // text: the same as HTTP/1.1 has it (WriteHead): its names are changed, and it is referred to, as
  // the request is. May throw bad_alloc.
  H2Head(const Request& request, std::string* text);
  const nghttp2_nv* fields() const noexcept { return fields_.data(); }
  size_t count() const noexcept { return fields_.size(); }
  // As RFC 9113, 10.5.1 counts it.
  size_t list_size() const noexcept { return list_size_; }

 private:
  void Add(std::string_view name, std::string_view value);
  void Set(size_t field, std::string_view value);
  std::vector<nghttp2_nv, BlockAllocator<nghttp2_nv>> fields_;
  size_t list_size_ = 0;
};

}  // namespace creche::http
