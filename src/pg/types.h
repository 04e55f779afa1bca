// What the client must know of PostgreSQL's built-in types: which ones a cell holds as a value,
// which ones are text, how far the server's epoch is from that of the rest of the world.
#pragma once
#include <cstdint>

namespace creche::pg {

// Object identifiers (pg_type.dat); fixed for ever by the server.
enum TypeOid : uint32_t {
  kUnknownType = 0,  // of a parameter: the server infers it
  kBool = 16,
  kBytea = 17,
  kChar = 18,
  kName = 19,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kText = 25,
  kOid = 26,
  kJson = 114,
  kXml = 142,
  kNodeTree = 194,
  kFloat4 = 700,
  kFloat8 = 701,
  kUnknown = 705,  // of a column: an untyped literal
  kBpchar = 1042,
  kVarchar = 1043,
  kDate = 1082,
  kTime = 1083,
  kTimestamp = 1114,
  kTimestamptz = 1184,
  kInterval = 1186,
  kTimetz = 1266,
  kNumeric = 1700,
  kRefcursor = 1790,
  kCstring = 2275,
  kUuid = 2950,
  kJsonb = 3802,
  kJsonpath = 4072,
  kFirstUserType = 16384,
};

// Bytes of the binary form of a type whose cells hold the value itself; 0 for all others.
constexpr uint32_t FixedSize(uint32_t type) {
  switch (type) {
    case kBool:
      return 1;
    case kInt2:
      return 2;
    case kInt4:
    case kOid:
    case kFloat4:
    case kDate:
      return 4;
    case kInt8:
    case kFloat8:
    case kTimestamp:
    case kTimestamptz:
      return 8;
    default:
      return 0;
  }
}

// Built-in types whose binary form is their text.
constexpr bool IsText(uint32_t type) {
  switch (type) {
    case kText:
    case kVarchar:
    case kBpchar:
    case kName:
    case kJson:
    case kXml:
    case kUnknown:
    case kChar:
    case kCstring:
    case kRefcursor:
    case kNodeTree:
      return true;
    default:
      return false;
  }
}

// Built-in types that the server can only send as text, and arrays of them; and arrays of anything
// (as in pg_stats), which hold such ones, too.
constexpr bool HasNoBinaryForm(uint32_t type) {
  constexpr uint32_t kAclitem = 1033, kAclitemArray = 1034, kAnyArray = 2277;
  constexpr uint32_t kGtsvector = 3642, kGtsvectorArray = 3644;
  return type == kAclitem || type == kAclitemArray || type == kGtsvector ||
         type == kGtsvectorArray || type == kAnyArray;
}
// Those of users, and rows: they may be, or hold, anything.
constexpr bool MayHaveNoBinaryForm(uint32_t type) {
  constexpr uint32_t kRecord = 2249, kRecordArray = 2287;
  return type >= kFirstUserType || type == kRecord || type == kRecordArray;
}

// Types whose binary form is a version byte (1) and then text.
constexpr bool IsVersionedText(uint32_t type) {
  return type == kJsonb || type == kJsonpath;
}

// PostgreSQL counts from 2000-01-01, everybody else from 1970-01-01.
inline constexpr int64_t kEpochDays = 10957;
inline constexpr int64_t kEpochMicroseconds = kEpochDays * 86'400'000'000;

}  // namespace creche::pg
