// Describe: a statement that is parsed and described, and not run.
#pragma once
#include <vector>

#include "pg/command/command.h"
#include "pg/rows/row_description.h"

namespace creche::pg {

class Describe : public Command {
 public:
  void Encode(Encoder* encoder) const noexcept override;
  void OnTypes(const char* oids, size_t count) noexcept override;
  void OnColumns(const Flight& flight, RowCollector* whole) noexcept override;

  // Of its parameters.
  const std::vector<uint32_t>& types() const noexcept { return types_; }
  // Null: it has no result.
  const Ref<const RowDescription>& columns() const noexcept { return columns_; }
  bool no_memory() const noexcept { return no_memory_; }

 private:
  std::vector<uint32_t> types_;
  Ref<const RowDescription> columns_;
  bool no_memory_ = false;
};

}  // namespace creche::pg
