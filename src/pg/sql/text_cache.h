// TextCache: the texts that a pool runs again and again, so that a start need not copy, hash and
// look through what was started before. A text is kept when it comes for the second time: those
// that never do (with values written into them) put nobody out. Any thread; nobody waits: who comes
// while another thread is looking makes a copy of his own.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "pg/sql/sql_text.h"

namespace creche::pg {

class TextCache {
 public:
  // Longer ones are copied each time: what they cost otherwise is more than that.
  static constexpr size_t kMaxSize = 4096;
  // May throw bad_alloc.
  Ref<const SqlText> Get(std::string_view sql);

 private:
  static constexpr size_t kSets = 64;  // a power of two
  static constexpr size_t kWays = 4;
  struct Set {
    Ref<const SqlText> texts[kWays];  // the one that was found last moves towards the front
    uint64_t seen = 0;                // the hash of what came last and was not here
  };
  // Behind the first one. Null: it is not here.
  static Ref<const SqlText> FindFurther(Set* set, std::string_view sql) noexcept;

  std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
  std::unique_ptr<Set[]> sets_;  // made at the first use
};

}  // namespace creche::pg
