// UserType: what is known of a type that is not built in, so that its values can be read: those of
// the user (enums, domains, rows, ranges) and of a few extensions. Its oid is another one in each
// database: the catalog says it (catalog.h), and the block of rows that has such values.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace creche::pg {

// Twins of CRECHE_ROW_TYPE_* (creche/rows.h).
enum class UserKind : uint8_t {
  kOther = 0,  // whatever it is: only the server can print it
  kEnum = 1,
  kDomain = 2,         // over `of`
  kArray = 3,          // of `of`
  kComposite = 4,      // a row
  kRange = 5,          // with bounds of `of`
  kMultirange = 6,     // of ranges that are `of`
  kText = 7,           // its binary form is its text
  kVersionedText = 8,  // a version byte (1) and then text: ltree and its queries
  kHstore = 9,
  kVector = 10,  // pgvector's
};

struct UserType {
  uint32_t oid = 0;
  uint32_t of = 0;
  UserKind kind = UserKind::kOther;
  char delimiter = ',';  // between elements of an array of it
};

// What printing asks about types that are not built in.
class UserTypes {
 public:
  // False: it is not known.
  virtual bool Find(uint32_t oid, UserType* type) const = 0;
  // Appends the text of a value of a type that only the server can print. False: it was not asked.
  virtual bool Spell(uint32_t oid, std::string_view bytes, std::string* out) const = 0;

 protected:
  ~UserTypes() = default;
};

}  // namespace creche::pg
