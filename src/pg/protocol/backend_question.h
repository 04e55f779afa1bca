// BackendQuestion: asks which process of the server answers, to be compared with the one that the
// handshake named: if they differ there is a pooler in between.
#pragma once
#include <cstddef>

#include "pg/protocol/message_writer.h"

namespace creche::pg {

class BackendQuestion {
 public:
  // Bytes that Write takes, and that a row of its answer has, at the most.
  static constexpr size_t kMost = 160;
  static constexpr size_t kMaxRow = 256;
  // As a statement of a flight, without a description.
  static void Write(MessageWriter* out) noexcept;
  // The process's number, from the body of a row; 0 for what is no answer to this.
  static int Read(const char* body, size_t size) noexcept;
};

}  // namespace creche::pg
