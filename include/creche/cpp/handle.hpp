// creche/cpp/handle.hpp: what owns a handle of the library, and gives it back.
#ifndef CRECHE_CPP_HANDLE_HPP
#define CRECHE_CPP_HANDLE_HPP

#include <utility>

#include "../creche.h"

namespace creche::detail {

/// Moves only; releasing never blocks, from any thread. An empty one holds {0}.
template <class Raw, void (*Release)(Raw)>
class handle {
 public:
  handle() = default;
  explicit handle(Raw raw) noexcept : raw_(raw) {}
  handle(handle&& o) noexcept : raw_(std::exchange(o.raw_, Raw{})) {}
  handle& operator=(handle&& o) noexcept {
    if (this != &o) reset(std::exchange(o.raw_, Raw{}));
    return *this;
  }
  ~handle() { reset(); }

  /// The handle itself, for functions of the C API; still owned by this.
  Raw get() const noexcept { return raw_; }
  /// Gives it away: the caller releases it.
  Raw release() noexcept { return std::exchange(raw_, Raw{}); }
  void reset(Raw raw = Raw{}) noexcept {
    const Raw old = std::exchange(raw_, raw);
    if (old.id != 0) Release(old);
  }
  explicit operator bool() const noexcept { return raw_.id != 0; }

 private:
  Raw raw_{};
};

/// Any owned value.
struct any_value {
  uint64_t id = 0;
};
inline void release_value(any_value v) {
  creche_value_release(v.id);
}
using held_value = handle<any_value, release_value>;

}  // namespace creche::detail
#endif
