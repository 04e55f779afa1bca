// Script: many statements in one text, without parameters: the simple protocol. Its rows are thrown
// away.
#pragma once
#include "pg/command/command.h"

namespace creche::pg {

class Script : public Command {
 public:
  bool alone() const noexcept override { return true; }
  void Encode(Encoder* encoder) const noexcept override;
};

}  // namespace creche::pg
