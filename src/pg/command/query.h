// Query: one statement, or a few that share their fate; the result of the last one as a whole.
#pragma once
#include "pg/command/command.h"

namespace creche::pg {

class Query : public Command {
 public:
  // A result that is bigger is CRECHE_E_LIMIT.
  void set_max_bytes(uint64_t max) noexcept { max_bytes_ = max; }

  void Encode(Encoder* encoder) const noexcept override;
  void OnColumns(const Flight& flight, RowCollector* whole) noexcept override;
  size_t MaxRow(const Flight& flight, const RowCollector& whole) const noexcept override;
  RowTaken OnRow(Flight* flight, const Message& row, RowCollector* whole) noexcept override;
  void OnComplete(Flight* flight, std::string_view tag, RowCollector* whole) noexcept override;

 private:
  uint64_t max_bytes_ = UINT64_MAX;
};

// How an append ended.
RowTaken TakenAs(RowCollector::Added added) noexcept;
ErrorRef TooBigError() noexcept;

}  // namespace creche::pg
