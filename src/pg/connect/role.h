// Role: what a server must be like to be used: target_session_attrs.
#pragma once
#include <cstdint>
#include <string_view>

namespace creche::pg {

enum class Role : uint8_t { kAny, kReadWrite, kReadOnly, kPrimary, kStandby };

inline Role RoleOf(std::string_view session_attrs) noexcept {
  if (session_attrs == "read-write") return Role::kReadWrite;
  if (session_attrs == "read-only") return Role::kReadOnly;
  if (session_attrs == "primary") return Role::kPrimary;
  if (session_attrs == "standby") return Role::kStandby;
  return Role::kAny;
}

}  // namespace creche::pg
