// Whether the rows in a result are what the catalog says of their types: a type that somebody has
// altered has other fields, and the values say so. Loop's thread.
#pragma once
#include "pg/rows/row_layout.h"
#include "pg/type/catalog.h"

namespace creche::pg {

// True if a value has other fields than its type has there. Only what may have rows in it is looked
// at, and of that the first rows and the first elements.
bool HasOtherShapes(const RowBlock& block, const Catalog& catalog);

}  // namespace creche::pg
