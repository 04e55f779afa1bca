// TextNames: what a statement that may have columns without a binary form has in it: the names of
// the types, tables and functions of the user's that have, or hold, such values (TextNamesQuestion
// asks for them). A hint, and no more: where it is wrong, the server says so. Loop's thread.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"

namespace creche::pg {

class TextNames {
 public:
  // False: to be asked.
  bool Known(Nanos now) const noexcept { return known_ && now < until_; }
  // In lower case.
  void Learn(std::vector<std::string>&& names, Nanos until) noexcept {
    names_ = std::move(names);
    until_ = until;
    known_ = true;
  }
  void Forget() noexcept { known_ = false; }
  bool empty() const noexcept { return names_.empty(); }
  // A statement with this tag has ended well: there may be others now. names: one of them, or of a
  // type that is built in, stands in it: what it has made may hold such values. (Many a transaction
  // makes tables for itself, and to ask costs the server a look at all it has.)
  void OnDone(std::string_view tag, bool names) noexcept {
    if (!tag.starts_with("CREATE ")) return;
    tag.remove_prefix(7);
    if (names || tag == "TYPE" || tag == "EXTENSION" || tag == "DOMAIN") Forget();
  }
  // True if one of them stands in it, in whatever case.
  bool In(std::string_view sql) const noexcept;

 private:
  std::vector<std::string> names_;
  Nanos until_ = 0;
  bool known_ = false;
};

}  // namespace creche::pg
