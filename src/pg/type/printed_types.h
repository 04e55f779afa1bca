// The built-in types of which nothing is known here but how their values are printed, by oid (fixed
// for ever by the server): rows of the table of types (table.cc).
#pragma once
#include "pg/type/print.h"
#include "pg/type/type.h"

namespace creche::pg {

// element: what a range or a multirange is made of.
constexpr Type Printed(uint32_t oid, const char* name,
                       bool (*print)(std::string*, const RowView::Cell&), uint32_t element = 0) {
  Type type;
  type.oid = oid;
  type.name = name;
  type.print = print;
  type.element = element;
  return type;
}

// array: of such values, by which they are shown to the server; 0: it takes none.
constexpr Type ByServer(uint32_t oid, const char* name, uint32_t array = 0) {
  Type type;
  type.oid = oid;
  type.name = name;
  type.by_server = true;
  type.array = array;
  return type;
}
constexpr Type ArrayByServer(uint32_t oid, const char* name) {
  Type type = Printed(oid, name, PrintArray);
  type.by_server = true;
  return type;
}

inline constexpr Type kPrintedTypes[] = {
    Printed(22, "int2vector", PrintVector),
    ByServer(24, "regproc", 1008),
    Printed(27, "tid", PrintTid),
    Printed(28, "xid", PrintXid),
    Printed(29, "cid", PrintXid),
    Printed(30, "oidvector", PrintVector),
    Printed(143, "xml[]", PrintArray),
    Printed(199, "json[]", PrintArray),
    Printed(271, "xid8[]", PrintArray),
    Printed(600, "point", PrintPoint),
    Printed(601, "lseg", PrintLseg),
    Printed(602, "path", PrintPath),
    Printed(603, "box", PrintBox),
    Printed(604, "polygon", PrintPolygon),
    Printed(628, "line", PrintLine),
    Printed(629, "line[]", PrintArray),
    Printed(650, "cidr", PrintInet),
    Printed(651, "cidr[]", PrintArray),
    Printed(718, "circle", PrintCircle),
    Printed(719, "circle[]", PrintArray),
    Printed(774, "macaddr8", PrintMac),
    Printed(775, "macaddr8[]", PrintArray),
    ByServer(790, "money", 791),
    ArrayByServer(791, "money[]"),
    Printed(829, "macaddr", PrintMac),
    Printed(1000, "bool[]", PrintArray),
    Printed(1001, "bytea[]", PrintArray),
    Printed(1002, "\"char\"[]", PrintArray),
    Printed(1003, "name[]", PrintArray),
    Printed(1006, "int2vector[]", PrintArray),
    ArrayByServer(1008, "regproc[]"),
    Printed(1010, "tid[]", PrintArray),
    Printed(1011, "xid[]", PrintArray),
    Printed(1012, "cid[]", PrintArray),
    Printed(1013, "oidvector[]", PrintArray),
    Printed(1014, "bpchar[]", PrintArray),
    Printed(1017, "point[]", PrintArray),
    Printed(1018, "lseg[]", PrintArray),
    Printed(1019, "path[]", PrintArray),
    Printed(1020, "box[]", PrintArray),
    Printed(1021, "float4[]", PrintArray),
    Printed(1022, "float8[]", PrintArray),
    Printed(1027, "polygon[]", PrintArray),
    Printed(1028, "oid[]", PrintArray),
    Printed(1040, "macaddr[]", PrintArray),
    Printed(1041, "inet[]", PrintArray),
    Printed(1115, "timestamp[]", PrintArray),
    Printed(1182, "date[]", PrintArray),
    Printed(1183, "time[]", PrintArray),
    Printed(1185, "timestamptz[]", PrintArray),
    Printed(1187, "interval[]", PrintArray),
    Printed(1231, "numeric[]", PrintArray),
    Printed(1263, "cstring[]", PrintArray),
    Printed(1270, "timetz[]", PrintArray),
    Printed(1560, "bit", PrintBits),
    Printed(1561, "bit[]", PrintArray),
    Printed(1562, "varbit", PrintBits),
    Printed(1563, "varbit[]", PrintArray),
    Printed(2201, "refcursor[]", PrintArray),
    ByServer(2202, "regprocedure", 2207),
    ByServer(2203, "regoper", 2208),
    ByServer(2204, "regoperator", 2209),
    ByServer(2205, "regclass", 2210),
    ByServer(2206, "regtype", 2211),
    ArrayByServer(2207, "regprocedure[]"),
    ArrayByServer(2208, "regoper[]"),
    ArrayByServer(2209, "regoperator[]"),
    ArrayByServer(2210, "regclass[]"),
    ArrayByServer(2211, "regtype[]"),
    Printed(2949, "txid_snapshot[]", PrintArray),
    Printed(2951, "uuid[]", PrintArray),
    Printed(2970, "txid_snapshot", PrintSnapshot),
    Printed(3220, "pg_lsn", PrintLsn),
    Printed(3221, "pg_lsn[]", PrintArray),
    ByServer(3361, "pg_ndistinct"),
    ByServer(3402, "pg_dependencies"),
    Printed(3614, "tsvector", PrintTsvector),
    Printed(3615, "tsquery", PrintTsquery),
    Printed(3643, "tsvector[]", PrintArray),
    Printed(3645, "tsquery[]", PrintArray),
    ByServer(3734, "regconfig", 3735),
    ArrayByServer(3735, "regconfig[]"),
    ByServer(3769, "regdictionary", 3770),
    ArrayByServer(3770, "regdictionary[]"),
    Printed(3807, "jsonb[]", PrintArray),
    Printed(3904, "int4range", PrintRange, 23),
    Printed(3905, "int4range[]", PrintArray),
    Printed(3906, "numrange", PrintRange, 1700),
    Printed(3907, "numrange[]", PrintArray),
    Printed(3908, "tsrange", PrintRange, 1114),
    Printed(3909, "tsrange[]", PrintArray),
    Printed(3910, "tstzrange", PrintRange, 1184),
    Printed(3911, "tstzrange[]", PrintArray),
    Printed(3912, "daterange", PrintRange, 1082),
    Printed(3913, "daterange[]", PrintArray),
    Printed(3926, "int8range", PrintRange, 20),
    Printed(3927, "int8range[]", PrintArray),
    Printed(4073, "jsonpath[]", PrintArray),
    ByServer(4089, "regnamespace", 4090),
    ArrayByServer(4090, "regnamespace[]"),
    ByServer(4096, "regrole", 4097),
    ArrayByServer(4097, "regrole[]"),
    ByServer(4191, "regcollation", 4192),
    ArrayByServer(4192, "regcollation[]"),
    Printed(4451, "int4multirange", PrintMultirange, 3904),
    Printed(4532, "nummultirange", PrintMultirange, 3906),
    Printed(4533, "tsmultirange", PrintMultirange, 3908),
    Printed(4534, "tstzmultirange", PrintMultirange, 3910),
    Printed(4535, "datemultirange", PrintMultirange, 3912),
    Printed(4536, "int8multirange", PrintMultirange, 3926),
    ByServer(4600, "pg_brin_bloom_summary"),
    ByServer(4601, "pg_brin_minmax_multi_summary"),
    ByServer(5017, "pg_mcv_list"),
    Printed(5038, "pg_snapshot", PrintSnapshot),
    Printed(5039, "pg_snapshot[]", PrintArray),
    Printed(5069, "xid8", PrintXid8),
    Printed(6150, "int4multirange[]", PrintArray),
    Printed(6151, "nummultirange[]", PrintArray),
    Printed(6152, "tsmultirange[]", PrintArray),
    Printed(6153, "tstzmultirange[]", PrintArray),
    Printed(6155, "datemultirange[]", PrintArray),
    Printed(6157, "int8multirange[]", PrintArray),
};

}  // namespace creche::pg
