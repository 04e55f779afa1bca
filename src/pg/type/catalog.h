// Catalog: what one server has said of its database's types that are not built in. Shared by the
// sessions that are known to be with that server and database (catalogs.h), and gone with the last
// of them. What it says may be out of date: types are altered, and then all of it is asked anew. It
// only keeps the books: Introspection asks. Loop's thread.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/status.h"
#include "pg/type/user_type.h"

namespace creche::pg {

struct CatalogType : UserType {
  std::string name;
  bool sends = true;             // it has a binary form
  uint32_t array = 0;            // the type of arrays of it that the server takes; 0: none
  std::vector<uint32_t> fields;  // of a row: their types
  uint64_t edition = 0;          // Catalog::edition when it was said
  bool Is(const CatalogType& other) const noexcept {
    return of == other.of && kind == other.kind && delimiter == other.delimiter &&
           name == other.name && sends == other.sends && array == other.array &&
           fields == other.fields;
  }
};

class Catalog {
 public:
  // Null: it is not known. It may be out of date.
  const CatalogType* Find(uint32_t oid) const noexcept;
  // If it was something else before, all that was said is out of date.
  void Add(CatalogType&& type);
  void Remove(uint32_t oid) noexcept { types_.erase(oid); }
  // Types may have been altered: each is to be asked about again.
  void Outdate() noexcept { edition_ = Next(); }
  // The same, if it has been so for `lifetime`.
  void Age(Nanos now, Nanos lifetime) noexcept;
  // What was said of types in another edition does not hold any more.
  // No two catalogs have had the same one.
  uint64_t edition() const noexcept { return edition_; }

  // What values of a type need so that they can be printed, and the types that they are made of.
  struct Judged {
    std::vector<uint32_t> types;    // not built in, and known; each once
    std::vector<uint32_t> unknown;  // not built in, and to be asked about
    bool by_server = false;         // the server has to print them
    bool open = false;              // only the values tell: anonymous rows
    bool settled() const noexcept { return unknown.empty() && !by_server && !open; }
  };
  // Adds what that type needs.
  void Judge(uint32_t oid, Judged* judged) const;
  // Only the server can print it: the type itself, or what an array or domain is of.
  bool IsByServer(uint32_t oid) const;
  // No value of it has a binary form, as far as that is known: the type itself, or what it is made
  // of.
  bool HasNoBinary(uint32_t oid, int depth = 0) const;
  // Appends what a block that has room for it at `offset` says of these types.
  void Describe(const std::vector<uint32_t>& types, size_t offset, std::string* out) const;

 private:
  std::unordered_map<uint32_t, CatalogType> types_;
  static uint64_t Next() noexcept;
  uint64_t edition_ = Next();
  Nanos outdates_ = 0;  // 0: not known yet
};

}  // namespace creche::pg
