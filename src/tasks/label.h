// A node's name and site ("file.c:12"): both end in NUL, one after the other in one piece of
// memory. Most nodes have none. Guarded by the lock of the loop's domain.
#pragma once
#include <cstdlib>
#include <cstring>

namespace creche::tasks {

// Makes *label of copies of both, which may be null; null if both are. False without memory.
[[nodiscard]] inline bool MakeLabel(char** label, const char* name, const char* site) noexcept {
  *label = nullptr;
  if (!name && !site) return true;
  const size_t n = name ? strlen(name) : 0, s = site ? strlen(site) : 0;
  char* made = static_cast<char*>(malloc(n + s + 2));
  if (!made) return false;
  if (n > 0) memcpy(made, name, n);
  made[n] = '\0';
  if (s > 0) memcpy(made + n + 1, site, s);
  made[n + 1 + s] = '\0';
  *label = made;
  return true;
}

// Empty if it was not given.
inline const char* NameOf(const char* label) noexcept {
  return label ? label : "";
}
inline const char* SiteOf(const char* label) noexcept {
  return label ? label + strlen(label) + 1 : "";
}

}  // namespace creche::tasks
