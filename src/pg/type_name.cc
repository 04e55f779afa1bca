#include "pg/type_name.h"

#include "pg/types.h"

namespace creche::pg {

namespace {

const char* Known(uint32_t oid) {
  switch (oid) {
    case kBool:
      return "bool";
    case kBytea:
      return "bytea";
    case kChar:
      return "\"char\"";
    case kName:
      return "name";
    case kInt8:
      return "int8";
    case kInt2:
      return "int2";
    case kInt4:
      return "int4";
    case kText:
      return "text";
    case kOid:
      return "oid";
    case kJson:
      return "json";
    case kXml:
      return "xml";
    case kFloat4:
      return "float4";
    case kFloat8:
      return "float8";
    case kUnknown:
      return "unknown";
    case kBpchar:
      return "bpchar";
    case kVarchar:
      return "varchar";
    case kDate:
      return "date";
    case kTime:
      return "time";
    case kTimestamp:
      return "timestamp";
    case kTimestamptz:
      return "timestamptz";
    case kInterval:
      return "interval";
    case kTimetz:
      return "timetz";
    case kNumeric:
      return "numeric";
    case kUuid:
      return "uuid";
    case kJsonb:
      return "jsonb";
    default:
      return nullptr;
  }
}

}  // namespace

std::string TypeName(uint32_t oid) {
  const char* known = Known(oid);
  return known ? known : "type " + std::to_string(oid);
}

}  // namespace creche::pg
