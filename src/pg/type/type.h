// Type: all that the client knows of one of PostgreSQL's types. A new type is a row in table.cc,
// and functions (decode.h, encode.h, print.h) if its values look like nobody else's. Any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "pg/rows/row_view.h"
#include "pg/type/oid.h"

namespace creche::pg {

struct Type {
  // What its values are read as.
  enum class Kind : uint8_t {
    kOther,
    kBool,
    kInteger,
    kReal,
    kNumeric,
    kMoment,         // days or microseconds since 1970
    kText,           // its binary form is its text
    kVersionedText,  // a version byte (1) and then text
    kPerhapsText,    // a user's: an enum or citext, which are sent as text, or anything else
  };
  // Whether the server can send it in binary form.
  enum class Binary : uint8_t { kYes, kPerhaps, kNo };

  uint32_t oid = 0;  // 0: of a type that is not known here
  const char* name = nullptr;
  // Bytes of the binary form of a type whose cells hold the value itself; 0 for all others.
  uint8_t size = 0;
  Kind kind = Kind::kOther;
  Binary binary = Binary::kYes;
  // The value of a cell, from `size` bytes of the binary form. Null if size is 0.
  uint64_t (*decode)(const char* bytes) noexcept = nullptr;
  // Write `size` bytes of the binary form; null, or why this number cannot be sent as this type.
  // Without the function no number can be.
  const char* (*encode_integer)(int64_t value, char* out) noexcept = nullptr;
  const char* (*encode_real)(double value, char* out) noexcept = nullptr;
  // Appends a value as the server prints it with DateStyle ISO and time zone UTC; false if it is no
  // value of this type, and nothing was appended. Null: its bytes are its text, or in hexadecimal.
  bool (*print)(std::string* out, const RowView::Cell& cell) = nullptr;
  // Of a range its bounds' type, of a multirange its ranges'; 0 for all others.
  uint32_t element = 0;
  // Only the server can say what a value looks like (names of a catalog, a setting of its own):
  // such columns are asked for as text. array: the type of arrays of it that take any value; 0:
  // none.
  bool by_server = false;
  uint32_t array = 0;
  // Whether a text of a parameter means the same whatever type reads it. Null: none is known to (it
  // is read in too many ways: times, floats, bytea, inet, jsonb, char(n), ...), so that a statement
  // is not worth being kept for which the server has inferred this type.
  bool (*canonical)(std::string_view text) noexcept = nullptr;
};

// Never fails: an unknown type is one without a name.
const Type& TypeOf(uint32_t oid) noexcept;

// "int8"; "type 16501" for one that is not known here. May throw bad_alloc.
std::string TypeName(uint32_t oid);

}  // namespace creche::pg
