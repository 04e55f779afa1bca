// What the server has said of a block later is put into it: the texts of what only the server can
// print, and what types there are that are not built in. Loop's thread.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "pg/rows/rows.h"
#include "pg/type/catalog.h"

namespace creche::pg {

// A block like `from` that describes these types. texts: for each column nothing, if its cells
// stay, or what they say, row by row (a NULL stays one). May throw bad_alloc.
Ref<Rows> Rewrite(const RowBlock& from, const std::vector<std::vector<std::string>>& texts,
                  const Catalog& catalog, const std::vector<uint32_t>& types);

}  // namespace creche::pg
