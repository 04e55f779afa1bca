// PostgreSQL's messages by hand, for tests of what reads them.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "pg/protocol/bytes.h"

namespace creche::pg::test {

inline std::string Big16(uint16_t v) {
  char b[2];
  Store16(b, v);
  return {b, 2};
}
inline std::string Big32(uint32_t v) {
  char b[4];
  Store32(b, v);
  return {b, 4};
}
inline std::string Big64(uint64_t v) {
  char b[8];
  Store64(b, v);
  return {b, 8};
}
inline std::string Text(const std::string& text) {
  return text + std::string(1, '\0');
}

inline std::string Message(char type, const std::string& body) {
  return type + Big32(static_cast<uint32_t>(body.size() + 4)) + body;
}

struct ColumnSpec {
  const char* name;
  uint32_t type;
  uint16_t format = 1;
};

// Bodies.
inline std::string ColumnsBody(const std::vector<ColumnSpec>& columns) {
  std::string body = Big16(static_cast<uint16_t>(columns.size()));
  for (const ColumnSpec& column : columns)
    body += Text(column.name) + Big32(7) + Big16(3) + Big32(column.type) + Big16(4) +
            Big32(UINT32_MAX) + Big16(column.format);
  return body;
}
using Cell = std::optional<std::string>;  // nullopt: NULL
inline std::string RowBody(const std::vector<Cell>& cells) {
  std::string body = Big16(static_cast<uint16_t>(cells.size()));
  for (const Cell& cell : cells)
    body += cell ? Big32(static_cast<uint32_t>(cell->size())) + *cell : Big32(UINT32_MAX);
  return body;
}
inline std::string FieldsBody(std::initializer_list<std::pair<char, const char*>> fields) {
  std::string body;
  for (const auto& [code, text] : fields) body += code + Text(text);
  return Text(body);
}

}  // namespace creche::pg::test
