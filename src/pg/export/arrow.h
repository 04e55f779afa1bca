// Rows through the Arrow C Data Interface.
#pragma once
#include <cstdint>

#include "pg/export/arrow_form.h"
#include "pg/rows/row_view.h"

namespace creche::pg {

struct ArrowOptions {
  bool strict = false;        // what Arrow has no value for is no null
  bool numeric_text = false;  // numeric is never a decimal
  uint8_t precision = 0;      // of a numeric that declares none; 0: it is text
  uint8_t scale = 0;
};

// Why rows cannot be given away.
struct ArrowRefusal {
  uint64_t row = 0;
  uint32_t column = 0;
  const char* why = nullptr;  // null: they are
};

// Both are filled, or neither. May throw bad_alloc.
ArrowRefusal MakeArrow(const RowView& rows, const ArrowOptions& options, ArrowSchema* schema,
                       ArrowArray* array);

}  // namespace creche::pg
