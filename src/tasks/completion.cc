#include "tasks/completion.h"

#include <new>

#include "tasks/hold.h"
#include "tasks/tree.h"

namespace creche::tasks {

uint64_t KeepHeld(std::unique_ptr<Held>& held, const Loop& loop) noexcept {
  auto* object = new (std::nothrow) HeldObject();
  if (!object) return 0;
  Ref<HeldObject> ref = Ref<HeldObject>::Adopt(object);
  const uint64_t id = AddObject(Kind::kHold, ref, loop, Counted::kNo);
  if (id != 0) object->Fill(std::move(held));
  return id;
}

void ReleaseValue(uint64_t id) noexcept {
  if (KindOf(id) == Kind::kToken) return ReleaseToken(id);
  ReleaseObject(id);
}

void ReleaseCompletions(Completion* completions, size_t n) noexcept {
  for (size_t i = 0; i < n; i++) {
    Completion& c = completions[i];
    if (c.flags & kOwned && c.value != 0) ReleaseValue(c.value);
    if (c.hold != 0) ReleaseObject(c.hold);
    if (c.error) Error::Of(c.error)->Unref();
    if (c.place_id != 0) {
      Section section(c.place_id, Bit(Kind::kPlace));
      if (section.ok()) {
        auto* node = section.As<EndNode>();
        EndSlot(section.tree()->domain(), c.place_id);
        section.tree()->Uncount(node);
        section.tree()->Retire(node);
      }
    }
    c.flags &= ~static_cast<uint32_t>(kOwned);
    c.hold = c.place_id = 0;
    c.error = nullptr;
    c.data = nullptr;
    c.data_size = 0;
  }
}

}  // namespace creche::tasks
