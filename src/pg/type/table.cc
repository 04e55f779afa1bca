// The table of types.
#include <algorithm>
#include <array>

#include "pg/type/canonical_text.h"
#include "pg/type/decode.h"
#include "pg/type/encode.h"
#include "pg/type/print.h"
#include "pg/type/printed_types.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

using Kind = Type::Kind;
using Binary = Type::Binary;

// All but those of printed_types.h.
constexpr Type kMainTypes[] = {
    {.oid = kBool,
     .name = "bool",
     .size = 1,
     .kind = Kind::kBool,
     .decode = DecodeBool,
     .encode_integer = EncodeBool,
     .print = PrintBool,
     .canonical = IsBoolText},
    {.oid = kBytea, .name = "bytea"},
    {.oid = kChar, .name = "\"char\"", .kind = Kind::kText},
    {.oid = kName, .name = "name", .kind = Kind::kText},
    {.oid = kInt8,
     .name = "int8",
     .size = 8,
     .kind = Kind::kInteger,
     .decode = DecodeEight,
     .encode_integer = EncodeInt8,
     .print = PrintInteger,
     .canonical = IsIntegerText},
    {.oid = kInt2,
     .name = "int2",
     .size = 2,
     .kind = Kind::kInteger,
     .decode = DecodeInt2,
     .encode_integer = EncodeInt2,
     .print = PrintInteger,
     .canonical = IsIntegerText},
    {.oid = kInt4,
     .name = "int4",
     .size = 4,
     .kind = Kind::kInteger,
     .decode = DecodeInt4,
     .encode_integer = EncodeInt4,
     .print = PrintInteger,
     .canonical = IsIntegerText},
    {.oid = kText, .name = "text", .kind = Kind::kText, .canonical = IsAnyText},
    {.oid = kOid,
     .name = "oid",
     .size = 4,
     .kind = Kind::kInteger,
     .decode = DecodeUnsigned4,
     .encode_integer = EncodeOid,
     .print = PrintInteger,
     .canonical = IsOidText},
    {.oid = kJson, .name = "json", .kind = Kind::kText, .canonical = IsAnyText},
    {.oid = kXml, .name = "xml", .kind = Kind::kText},
    {.oid = kNodeTree, .name = "pg_node_tree", .kind = Kind::kText},
    {.oid = kFloat4,
     .name = "float4",
     .size = 4,
     .kind = Kind::kReal,
     .decode = DecodeFloat4,
     .encode_real = EncodeFloat4,
     .print = PrintFloat4},
    {.oid = kFloat8,
     .name = "float8",
     .size = 8,
     .kind = Kind::kReal,
     .decode = DecodeEight,
     .encode_real = EncodeFloat8,
     .print = PrintFloat8},
    {.oid = kUnknown, .name = "unknown", .kind = Kind::kText},
    {.oid = kInet, .name = "inet", .print = PrintInet},
    {.oid = kInt2Array, .name = "int2[]", .print = PrintArray, .canonical = IsIntegersText},
    {.oid = kInt4Array, .name = "int4[]", .print = PrintArray, .canonical = IsIntegersText},
    {.oid = kTextArray, .name = "text[]", .print = PrintArray, .canonical = IsWordsText},
    {.oid = kVarcharArray, .name = "varchar[]", .print = PrintArray, .canonical = IsWordsText},
    {.oid = kInt8Array, .name = "int8[]", .print = PrintArray, .canonical = IsIntegersText},
    {.oid = kAclitem, .name = "aclitem", .binary = Binary::kNo},
    {.oid = kAclitemArray, .name = "aclitem[]", .binary = Binary::kNo},
    {.oid = kBpchar, .name = "bpchar", .kind = Kind::kText},
    {.oid = kVarchar, .name = "varchar", .kind = Kind::kText, .canonical = IsAnyText},
    {.oid = kDate,
     .name = "date",
     .size = 4,
     .kind = Kind::kMoment,
     .decode = DecodeDate,
     .encode_integer = EncodeDate,
     .print = PrintDate},
    {.oid = kTime, .name = "time", .print = PrintTime},
    {.oid = kTimestamp,
     .name = "timestamp",
     .size = 8,
     .kind = Kind::kMoment,
     .decode = DecodeTimestamp,
     .encode_integer = EncodeTimestamp,
     .print = PrintTimestamp},
    {.oid = kTimestamptz,
     .name = "timestamptz",
     .size = 8,
     .kind = Kind::kMoment,
     .decode = DecodeTimestamp,
     .encode_integer = EncodeTimestamp,
     .print = PrintTimestamptz},
    {.oid = kInterval, .name = "interval", .print = PrintInterval},
    {.oid = kTimetz, .name = "timetz", .print = PrintTimetz},
    {.oid = kNumeric,
     .name = "numeric",
     .kind = Kind::kNumeric,
     .print = PrintNumeric,
     .canonical = IsIntegerText},
    {.oid = kRefcursor, .name = "refcursor", .kind = Kind::kText},
    {.oid = kRecord, .name = "record", .binary = Binary::kPerhaps, .print = PrintRecord},
    {.oid = kCstring, .name = "cstring", .kind = Kind::kText},
    // Of anything (as in pg_stats), and so of what has no binary form, too.
    {.oid = kAnyArray, .name = "anyarray", .binary = Binary::kNo},
    {.oid = kRecordArray, .name = "record[]", .binary = Binary::kPerhaps, .print = PrintArray},
    {.oid = kUuid, .name = "uuid", .print = PrintUuid, .canonical = IsUuidText},
    {.oid = kGtsvector, .name = "gtsvector", .binary = Binary::kNo},
    {.oid = kGtsvectorArray, .name = "gtsvector[]", .binary = Binary::kNo},
    {.oid = kJsonb, .name = "jsonb", .kind = Kind::kVersionedText},
    {.oid = kJsonpath, .name = "jsonpath", .kind = Kind::kVersionedText},
};
constexpr Type kNotKnown = {};
// They may be, or hold, anything.
constexpr Type kOfUser = {.kind = Kind::kPerhapsText,
                          .binary = Binary::kPerhaps,
                          .print = PrintOfUser,
                          .canonical = IsWordText};

// By oid.
constexpr auto kTypes = [] {
  std::array<Type, std::size(kMainTypes) + std::size(kPrintedTypes)> all{};
  const auto rest = std::copy(std::begin(kMainTypes), std::end(kMainTypes), all.begin());
  std::copy(std::begin(kPrintedTypes), std::end(kPrintedTypes), rest);
  std::sort(all.begin(), all.end(), [](const Type& a, const Type& b) { return a.oid < b.oid; });
  return all;
}();

constexpr uint32_t kLastOid = kTypes.back().oid;
static_assert(std::adjacent_find(kTypes.begin(), kTypes.end(), [](const Type& a, const Type& b) {
                return a.oid == b.oid;
              }) == kTypes.end());
static_assert(std::size(kTypes) < UINT8_MAX);

// By oid: one more than the place in the table.
constexpr auto kPlaces = [] {
  std::array<uint8_t, kLastOid + 1> places{};
  for (size_t i = 0; i < std::size(kTypes); i++)
    places[kTypes[i].oid] = static_cast<uint8_t>(i + 1);
  return places;
}();

}  // namespace

const Type& TypeOf(uint32_t oid) noexcept {
  if (oid <= kLastOid) return kPlaces[oid] != 0 ? kTypes[kPlaces[oid] - 1] : kNotKnown;
  return oid >= kFirstUserType ? kOfUser : kNotKnown;
}

std::string TypeName(uint32_t oid) {
  const char* name = TypeOf(oid).name;
  return name ? name : "type " + std::to_string(oid);
}

}  // namespace creche::pg
