// RunOf: a command that tells its operation how it ended:
// `RunOf<Query, &PgOperation::OnEnd> query_{this};`.
#pragma once
#include <utility>

#include "pg/command/command.h"

namespace creche::pg {

template <class C, auto kOnEnd>
class RunOf;

template <class C, class T, void (T::*kOnEnd)(Ending) noexcept>
class RunOf<C, kOnEnd> : public C {
 public:
  template <class... Args>
  explicit RunOf(T* owner, Args&&... args) : C(std::forward<Args>(args)...), owner_(owner) {}

 private:
  void OnEnd(Ending ending) noexcept final { (owner_->*kOnEnd)(std::move(ending)); }
  T* const owner_;
};

}  // namespace creche::pg
