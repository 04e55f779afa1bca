// Object identifiers of PostgreSQL's built-in types (pg_type.dat); fixed for ever by the server.
// What is known of each stands in table.cc.
#pragma once
#include <cstdint>

namespace creche::pg {

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
  kInet = 869,
  kInt2Array = 1005,
  kInt4Array = 1007,
  kTextArray = 1009,
  kVarcharArray = 1015,
  kInt8Array = 1016,
  kAclitem = 1033,
  kAclitemArray = 1034,
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
  kRecord = 2249,
  kCstring = 2275,
  kAnyArray = 2277,
  kRecordArray = 2287,
  kUuid = 2950,
  kGtsvector = 3642,
  kGtsvectorArray = 3644,
  kJsonb = 3802,
  kJsonpath = 4072,
  kFirstUserType = 16384,
};

// PostgreSQL counts from 2000-01-01, everybody else from 1970-01-01.
inline constexpr int64_t kEpochDays = 10957;
inline constexpr int64_t kEpochMicroseconds = kEpochDays * 86'400'000'000;

}  // namespace creche::pg
