// H2Memory: where nghttp2 gets its memory from. It takes a dozen small blocks for each stream, and
// gives them back when the stream ends: the loop keeps them for the next one.
#pragma once
#include <nghttp2/nghttp2.h>

namespace creche::http {

class H2Memory {
 public:
  // For nghttp2_session_client_new3. What is given back by another thread is freed.
  static nghttp2_mem* Of() noexcept;
};

}  // namespace creche::http
