// Values of types that are not built in.
#include "pg/type/print.h"
#include "pg/type/type.h"
#include "pg/type/user_type.h"

namespace creche::pg {

namespace {

bool PrintAs(const UserType& type, std::string* out, const RowView::Cell& cell) {
  const std::string_view bytes(cell.bytes, cell.size);
  switch (type.kind) {
    case UserKind::kEnum:
    case UserKind::kText:
      return out->append(bytes), true;
    case UserKind::kVersionedText:
      if (bytes.empty() || bytes[0] != 1) return false;
      return out->append(bytes.substr(1)), true;
    case UserKind::kDomain:
      return PrintPart(out, type.of, bytes, cell);
    case UserKind::kArray:
      return PrintArray(out, cell);
    case UserKind::kComposite:
      return PrintRecord(out, cell);
    case UserKind::kRange:
      return PrintRange(out, cell);
    case UserKind::kMultirange:
      return PrintMultirange(out, cell);
    case UserKind::kHstore:
      return PrintHstore(out, cell);
    case UserKind::kVector:
      return PrintFloatVector(out, cell);
    case UserKind::kOther:
      break;
  }
  return cell.user->Spell(cell.type, bytes, out);
}

}  // namespace

bool PrintOfUser(std::string* out, const RowView::Cell& cell) {
  if (!cell.bytes) return false;
  UserType type;
  if (cell.user && cell.user->Find(cell.type, &type)) return PrintAs(type, out, cell);
  if (LooksLikeText(cell.bytes, cell.size)) return out->append(cell.bytes, cell.size), true;
  return PrintArray(out, cell) || PrintRecord(out, cell);
}

}  // namespace creche::pg
