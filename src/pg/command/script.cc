#include "pg/command/script.h"

#include "pg/encoder.h"

namespace creche::pg {

void Script::Encode(Encoder* encoder) const noexcept {
  encoder->Script(statement(0));
}

}  // namespace creche::pg
