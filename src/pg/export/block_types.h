// BlockTypes: what a block of rows says of types that are not built in.
#pragma once
#include "pg/rows/row_view.h"
#include "pg/type/user_type.h"

namespace creche::pg {

class BlockTypes final : public UserTypes {
 public:
  explicit BlockTypes(const RowView& rows) : rows_(rows) {}
  bool Find(uint32_t oid, UserType* type) const override { return rows_.Find(oid, type); }
  bool Spell(uint32_t, std::string_view, std::string*) const override { return false; }

 private:
  const RowView& rows_;
};

}  // namespace creche::pg
