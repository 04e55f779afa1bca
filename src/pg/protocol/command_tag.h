// What a command's tag ("INSERT 0 5") says.
#pragma once
#include <cstdint>
#include <string_view>

namespace creche::pg {

// Rows that the command changed or returned; -1 if it does not say.
int64_t AffectedOf(std::string_view tag) noexcept;
// True for statements that leave nothing behind but their data.
bool IsPlain(std::string_view tag) noexcept;

}  // namespace creche::pg
