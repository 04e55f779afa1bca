// Preview: what columns a statement will have with these parameters: it is parsed and bound, and
// not run.
#pragma once
#include "pg/command/command.h"

namespace creche::pg {

class Preview : public Command {
 public:
  // Nothing is sent behind it that might overtake what it is asked for.
  bool alone() const noexcept override { return true; }
  void Encode(Encoder* encoder) const noexcept override;
  void OnColumns(const Flight& flight, RowCollector* whole) noexcept override;

  // A block of no rows with these columns; null: it has none. May throw bad_alloc.
  Ref<Rows> Empty() const;
  // Null: it has none.
  const RowDescription* columns() const noexcept { return columns_.get(); }

 private:
  Ref<const RowDescription> columns_;
};

}  // namespace creche::pg
