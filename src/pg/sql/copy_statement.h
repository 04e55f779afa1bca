// What a COPY of rows is made of: where it goes to, so that this can be described before, and the
// statement for each format. Any thread.
#pragma once
#include <string>
#include <string_view>

#include "core/error.h"

namespace creche::pg {

struct CopyStatement {
  std::string describe;  // has the columns that are copied; never run
  std::string binary;
  std::string text;
};

// Of COPY table [(columns)] FROM STDIN [[WITH] (FREEZE)] [WHERE ...]. Null, or why it is none. May
// throw bad_alloc.
ErrorRef ReadCopyStatement(std::string_view sql, CopyStatement* copy);

}  // namespace creche::pg
