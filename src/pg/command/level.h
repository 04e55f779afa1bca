// Level: one transaction that creche_connection_begin has opened on a leased connection, or a
// savepoint in it. Loop's thread.
#pragma once
#include <cstddef>

#include "core/ref.h"
#include "pg/sql/transaction_text.h"

namespace creche::pg {

struct Level : RefCounted {
  explicit Level(size_t deep, const TransactionModes& like = {})
      : number(deep), modes(like), savepoint(deep > 0) {}
  const size_t number;  // how many are open around it; names the savepoint
  // That it was begun with; of the outermost they are those of the transaction.
  const TransactionModes modes;
  bool savepoint;  // the outermost may stand in one that a statement of the user's has opened:
                   // that is known when it is sent
  bool missing = false;  // the server has refused to open it
};

}  // namespace creche::pg
