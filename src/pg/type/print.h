// Values as PostgreSQL prints them with DateStyle ISO and time zone UTC: the functions of the table
// of types. False, and nothing appended, for what is no value of that type. May throw bad_alloc.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pg/rows/row_view.h"

namespace creche::pg {

bool PrintBool(std::string* out, const RowView::Cell& cell);
bool PrintInteger(std::string* out, const RowView::Cell& cell);
bool PrintFloat4(std::string* out, const RowView::Cell& cell);
bool PrintFloat8(std::string* out, const RowView::Cell& cell);
bool PrintNumeric(std::string* out, const RowView::Cell& cell);
bool PrintUuid(std::string* out, const RowView::Cell& cell);
// print_time.cc
bool PrintDate(std::string* out, const RowView::Cell& cell);
bool PrintTimestamp(std::string* out, const RowView::Cell& cell);
bool PrintTimestamptz(std::string* out, const RowView::Cell& cell);
bool PrintTime(std::string* out, const RowView::Cell& cell);
bool PrintTimetz(std::string* out, const RowView::Cell& cell);
bool PrintInterval(std::string* out, const RowView::Cell& cell);
// print_net.cc
bool PrintInet(std::string* out, const RowView::Cell& cell);
bool PrintMac(std::string* out, const RowView::Cell& cell);
// print_system.cc
bool PrintBits(std::string* out, const RowView::Cell& cell);
bool PrintTid(std::string* out, const RowView::Cell& cell);
bool PrintXid(std::string* out, const RowView::Cell& cell);
bool PrintXid8(std::string* out, const RowView::Cell& cell);
bool PrintLsn(std::string* out, const RowView::Cell& cell);
bool PrintSnapshot(std::string* out, const RowView::Cell& cell);
// print_geometry.cc
bool PrintPoint(std::string* out, const RowView::Cell& cell);
bool PrintLseg(std::string* out, const RowView::Cell& cell);
bool PrintBox(std::string* out, const RowView::Cell& cell);
bool PrintPath(std::string* out, const RowView::Cell& cell);
bool PrintPolygon(std::string* out, const RowView::Cell& cell);
bool PrintLine(std::string* out, const RowView::Cell& cell);
bool PrintCircle(std::string* out, const RowView::Cell& cell);
// print_search.cc
bool PrintTsvector(std::string* out, const RowView::Cell& cell);
bool PrintTsquery(std::string* out, const RowView::Cell& cell);
// print_nested.cc
bool PrintArray(std::string* out, const RowView::Cell& cell);
bool PrintVector(std::string* out, const RowView::Cell& cell);
bool PrintRecord(std::string* out, const RowView::Cell& cell);
bool PrintRange(std::string* out, const RowView::Cell& cell);
bool PrintMultirange(std::string* out, const RowView::Cell& cell);
// print_user.cc
// As what cell.user says that it is. Where nothing is known: text, if it looks so; else an array or
// a row, if it can be nothing else.
bool PrintOfUser(std::string* out, const RowView::Cell& cell);
// print_extension.cc
bool PrintHstore(std::string* out, const RowView::Cell& cell);
bool PrintFloatVector(std::string* out, const RowView::Cell& cell);

// A value of any type in its binary form, which stands `depth` deep in others. user (may be null):
// knows types that are not built in.
bool PrintValue(std::string* out, uint32_t type, std::string_view bytes, uint8_t depth,
                const UserTypes* user);
// The same for an element of that cell.
bool PrintPart(std::string* out, uint32_t type, std::string_view bytes, const RowView::Cell& cell);
// The next of the values that stand behind their lengths (-1: null): false at a wrong one.
bool TakeValue(std::string_view* rest, std::string_view* value, bool* null);
// What is not built in may be an enum or citext, which send text, or anything else.
bool LooksLikeText(const char* bytes, size_t size) noexcept;

// With zeros in front up to `width` digits.
void AppendInteger(std::string* out, int64_t value, int width = 0);
// As a float8 is printed.
void AppendFloat8(std::string* out, double value);
void AppendHex(std::string* out, const char* bytes, size_t size);

}  // namespace creche::pg
