#include "pg/command/preview.h"

#include "pg/encoder.h"
#include "pg/flight.h"

namespace creche::pg {

void Preview::Encode(Encoder* encoder) const noexcept {
  encoder->Preview(statement(0));
}

void Preview::OnColumns(const Flight& flight, RowCollector*) noexcept {
  columns_ = flight.columns;
}

Ref<Rows> Preview::Empty() const {
  if (!columns_) return nullptr;
  RowCollector none;
  none.Begin(columns_);
  return none.Take({}, -1);
}

}  // namespace creche::pg
