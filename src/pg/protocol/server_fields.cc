#include "pg/protocol/server_fields.h"

#include <cstring>

namespace creche::pg {

bool ServerFields::Parse(const char* body, size_t size, bool cut) noexcept {
  fields_ = {};
  const char* at = body;
  const char* const end = body + size;
  while (at != end && *at != '\0') {
    const size_t field = kCodes.find(*at++);  // others are to be ignored
    const void* nul = std::memchr(at, '\0', static_cast<size_t>(end - at));
    if (!nul && !cut) return false;
    const char* text_end = nul ? static_cast<const char*>(nul) : end;
    if (field != kCodes.npos) fields_[field] = {at, static_cast<size_t>(text_end - at)};
    if (!nul) return true;
    at = text_end + 1;
  }
  return cut || (at != end && at + 1 == end);
}

std::string_view ServerFields::get(Field field) const noexcept {
  const size_t at = kCodes.find(static_cast<char>(field));
  return at == kCodes.npos ? std::string_view() : fields_[at];
}

}  // namespace creche::pg
