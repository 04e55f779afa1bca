#include "pg/command/describe.h"

#include <new>

#include "pg/encoder.h"
#include "pg/protocol/bytes.h"

namespace creche::pg {

void Describe::Encode(Encoder* encoder) const noexcept {
  encoder->Describe(*this);
}

void Describe::OnTypes(const char* oids, size_t count) noexcept {
  columns_ = nullptr;
  try {
    types_.resize(count);
  } catch (const std::bad_alloc&) {
    no_memory_ = true;
    return;
  }
  for (size_t i = 0; i < count; i++) types_[i] = Load32(oids + i * sizeof(uint32_t));
}

void Describe::OnColumns(const Flight& flight, RowCollector*) noexcept {
  columns_ = flight.columns;
}

}  // namespace creche::pg
