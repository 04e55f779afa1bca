#include "pg/protocol/backend_question.h"

#include <cstring>
#include <string_view>

#include "pg/protocol/bytes.h"

namespace creche::pg {

namespace {

// The second column tells the answer from that of somebody who answers anything.
constexpr std::string_view kQuestion = "SELECT pg_catalog.pg_backend_pid(), 'creche'";
constexpr std::string_view kMark = "creche";

}  // namespace

void BackendQuestion::Write(MessageWriter* out) noexcept {
  out->Parse({}, kQuestion);
  out->Bind();
  out->Execute();
}

int BackendQuestion::Read(const char* body, size_t size) noexcept {
  constexpr size_t kFront = 2 + 4 + 4 + 4;  // count of columns, size, process, size
  if (size != kFront + kMark.size() || Load16(body) != 2 || Load32(body + 2) != 4 ||
      Load32(body + 10) != kMark.size() ||
      std::memcmp(body + kFront, kMark.data(), kMark.size()) != 0)
    return 0;
  return static_cast<int>(Load32(body + 6));
}

}  // namespace creche::pg
