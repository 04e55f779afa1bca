// Catalog: what one server has said of its database's types that are not built in. Shared by the
// sessions with that server, and gone with the last of them: behind the same address there may be
// another server then, where an oid means something else. It only keeps the books: Introspection
// asks. Loop's thread.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "pg/type/user_type.h"

namespace creche::pg {

struct CatalogType : UserType {
  std::string name;
  uint32_t array = 0;            // the type of arrays of it that the server takes; 0: none
  std::vector<uint32_t> fields;  // of a row: their types
};

class Catalog {
 public:
  // Null: it is not known.
  const CatalogType* Find(uint32_t oid) const noexcept;
  void Add(CatalogType&& type);

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
  // Appends what a block that has room for it at `offset` says of these types.
  void Describe(const std::vector<uint32_t>& types, size_t offset, std::string* out) const;

 private:
  std::unordered_map<uint32_t, CatalogType> types_;
};

}  // namespace creche::pg
