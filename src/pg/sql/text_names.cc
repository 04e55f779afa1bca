#include "pg/sql/text_names.h"

#include <algorithm>

#include "pg/sql/scan.h"

namespace creche::pg {

bool TextNames::In(std::string_view sql) const noexcept {
  return std::any_of(names_.begin(), names_.end(), [sql](const std::string& name) {
    const auto same = [](char a, char b) { return Lower(a) == b; };
    return std::search(sql.begin(), sql.end(), name.begin(), name.end(), same) != sql.end();
  });
}

}  // namespace creche::pg
