// Level: one transaction that creche_connection_begin has opened on a leased connection, or a
// savepoint in it. Loop's thread.
#pragma once
#include <cstddef>

#include "core/ref.h"

namespace creche::pg {

struct Level : RefCounted {
  explicit Level(size_t deep) : number(deep), savepoint(deep > 0) {}
  const size_t number;  // how many are open around it; names the savepoint
  bool savepoint;       // the outermost may stand in one that a statement of the user's has opened:
                        // that is known when it is sent
  bool missing = false;  // the server has refused to open it
};

}  // namespace creche::pg
