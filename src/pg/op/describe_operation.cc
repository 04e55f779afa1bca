#include "pg/op/describe_operation.h"

#include <cstring>
#include <new>
#include <utility>

#include "pg/connection.h"
#include "pg/op/query_operation.h"

namespace creche::pg {

namespace {

// What the description points into.
struct Columns final : BlockListener {
  explicit Columns(Ref<Rows> taken) : rows(std::move(taken)) {}
  void BlockReleased() noexcept override {}
  const Ref<Rows> rows;
};

}  // namespace

ErrorRef DescribeOperation::Prepare() noexcept {
  if (ErrorRef error = CheckStatement(statement_)) return error;
  describe_.Run(&statement_);
  return nullptr;
}

void DescribeOperation::Finish(Ending ending) noexcept {
  if (ending.error) {
    Break(ending);
    return Fail(std::move(ending.error));
  }
  if (describe_.no_memory()) return Fail(NoMemoryError());
  tasks::Outcome outcome;
  try {
    const std::vector<uint32_t>& types = describe_.types();
    Ref<Rows> made = Rows::MakeBytes(sizeof(Description) + types.size() * sizeof(uint32_t));
    auto* oids = reinterpret_cast<uint32_t*>(made->memory() + sizeof(Description));
    if (!types.empty()) std::memcpy(oids, types.data(), types.size() * sizeof(uint32_t));
    const RowBlock* columns = nullptr;
    if (describe_.columns()) {
      RowCollector none;
      none.Begin(describe_.columns());
      auto kept = MakeRef<Columns>(none.Take({}, -1));
      SettleTypes(kept->rows->block());
      columns = kept->rows->block();
      made->set_listener(std::move(kept));
    }
    auto* description =
        new (made->memory()) Description{static_cast<uint32_t>(types.size()), 0, oids, columns};
    outcome.data = description;
    outcome.size = sizeof *description;
    outcome.value = AddObject(Kind::kRows, std::move(made), loop());
  } catch (const std::bad_alloc&) {
    outcome.value = 0;
  }
  if (outcome.value == 0) return Fail(NoMemoryError());
  outcome.owned = true;
  Complete(std::move(outcome));
}

}  // namespace creche::pg
