// Sharing: the members of a pool that several may use, by how much they have to do, so that who
// takes the next statement is found without a look at all of them. Loop's thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/list.h"
#include "core/status.h"
#include "pg/member.h"

namespace creche::pg {

class Sharing {
 public:
  // It has more or less to do, or takes more or none: to be told after each change.
  void Update(Member* member) noexcept;
  void Remove(Member* member) noexcept;
  // Who is to take the next one: null if nobody does. now: who expires takes none.
  Member* Pick(Nanos now) noexcept;
  // It was given one.
  void Gave(Member* member) noexcept {
    Update(member);
    if (List<Member>::Has(member)) latest_ = member;
  }

 private:
  // More than that is all the same.
  static constexpr size_t kMost = 63;
  static size_t LevelOf(Member* member) noexcept;
  static bool Takes(Member* member) noexcept;
  void Unlink(Member* member) noexcept;

  List<Member> by_load_[kMost + 1];
  uint64_t used_ = 0;         // bit i: there are some in by_load_[i]
  Member* latest_ = nullptr;  // that was given one, if it is in here
};

}  // namespace creche::pg
