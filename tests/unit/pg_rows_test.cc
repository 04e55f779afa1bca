// Row blocks: building them from results, reading them, formatting cells, and hostile bytes.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "pg/export/text.h"
#include "pg/rows/row_builder.h"
#include "pg/rows/row_view.h"
#include "pg/type/numeric.h"
#include "pg/type/type.h"
#include "pg_wire.h"

namespace creche::pg {
namespace {

using test::Big16;
using test::Big32;
using test::Big64;
using test::ColumnSpec;

// Rows as a server sends them.
struct Result {
  std::vector<ColumnSpec> columns;
  std::vector<std::vector<test::Cell>> rows;
};

Result MakeResult(std::vector<ColumnSpec> columns) {
  return {std::move(columns), {}};
}
void SetCell(Result* result, size_t row, size_t column, test::Cell cell) {
  if (result->rows.size() <= row)
    result->rows.resize(row + 1, std::vector<test::Cell>(result->columns.size()));
  result->rows[row][column] = std::move(cell);
}
void Set(Result& result, int row, int column, std::string bytes) {
  SetCell(&result, static_cast<size_t>(row), static_cast<size_t>(column), std::move(bytes));
}
void SetNull(Result& result, int row, int column) {
  SetCell(&result, static_cast<size_t>(row), static_cast<size_t>(column), std::nullopt);
}

void Begin(RowCollector* collector, const Result& result) {
  const std::string columns = test::ColumnsBody(result.columns);
  // In memory of just that size: AddressSanitizer sees a step outside.
  collector->Begin(RowDescription::Parse(columns.data(), columns.size()));
}
void Append(RowCollector* collector, const Result& result) {
  for (const auto& row : result.rows) {
    const std::string body = test::RowBody(row);
    const std::unique_ptr<char[]> exact(new char[body.size()]);
    std::memcpy(exact.get(), body.data(), body.size());
    ASSERT_EQ(collector->Append(exact.get(), body.size()), RowCollector::Added::kOk);
  }
}
Ref<Rows> BuildRows(const Result& result) {
  RowCollector collector;
  Begin(&collector, result);
  Append(&collector, result);
  const uint64_t bytes = collector.bytes();
  Ref<Rows> rows = collector.Take({}, -1);
  EXPECT_LE(bytes, rows->block()->total_size);
  EXPECT_LE(rows->block()->total_size, bytes + 7);
  return rows;
}

std::string Float8(double d) {
  return Big64(std::bit_cast<uint64_t>(d));
}
std::string Float4(float f) {
  return Big32(std::bit_cast<uint32_t>(f));
}
std::string Numeric(int weight, uint16_t sign, int scale, std::vector<uint16_t> digits) {
  std::string s = Big16(static_cast<uint16_t>(digits.size())) +
                  Big16(static_cast<uint16_t>(weight)) + Big16(sign) +
                  Big16(static_cast<uint16_t>(scale));
  for (uint16_t digit : digits) s += Big16(digit);
  return s;
}

std::string FormatOne(uint32_t type, const std::string& bytes) {
  Result result = MakeResult({{"c", type}});
  Set(result, 0, 0, bytes);
  Ref<Rows> rows = BuildRows(result);
  return FormatCell(RowView(rows->block()), 0, 0);
}

TEST(RowBlock, HoldsFixedTypesAsValues) {
  Result result = MakeResult({{"b", kBool},
                              {"i2", kInt2},
                              {"i4", kInt4},
                              {"i8", kInt8},
                              {"o", kOid},
                              {"f4", kFloat4},
                              {"f8", kFloat8},
                              {"d", kDate},
                              {"ts", kTimestamptz}});
  Set(result, 0, 0, std::string("\1", 1));
  Set(result, 0, 1, Big16(static_cast<uint16_t>(-2)));
  Set(result, 0, 2, Big32(static_cast<uint32_t>(-3)));
  Set(result, 0, 3, Big64(static_cast<uint64_t>(INT64_MIN)));
  Set(result, 0, 4, Big32(4000000000u));
  Set(result, 0, 5, Float4(1.5f));
  Set(result, 0, 6, Float8(-2.25));
  Set(result, 0, 7, Big32(1));
  Set(result, 0, 8, Big64(5));
  for (int c = 0; c < 9; c++) SetNull(result, 1, c);
  Ref<Rows> rows = BuildRows(result);
  const RowView view(rows->block());
  EXPECT_EQ(view.rows(), 2u);
  EXPECT_EQ(view.columns(), 9u);
  EXPECT_TRUE(view.Bool(0, 0));
  EXPECT_EQ(view.Int4(0, 1), -2);
  EXPECT_EQ(view.Int8(0, 1), -2);
  EXPECT_EQ(view.Int4(0, 2), -3);
  EXPECT_EQ(view.Int8(0, 3), INT64_MIN);
  EXPECT_EQ(view.Int4(0, 3), 0) << "not an int4";
  EXPECT_EQ(view.Int8(0, 4), 4000000000);
  EXPECT_EQ(view.Float8(0, 5), 1.5);
  EXPECT_EQ(view.Float8(0, 6), -2.25);
  EXPECT_EQ(view.Float8(0, 2), -3.0);
  EXPECT_EQ(view.Int8(0, 7), 10958);
  EXPECT_EQ(view.Int8(0, 8), 946684800000005);
  for (uint32_t c = 0; c < 9; c++) {
    EXPECT_FALSE(view.IsNull(0, c));
    EXPECT_TRUE(view.IsNull(1, c));
    size_t size;
    EXPECT_EQ(view.Bytes(0, c, &size), nullptr);
  }
  EXPECT_EQ(view.Int8(1, 3), 0);
  EXPECT_EQ(rows->block()->affected, -1);
}

TEST(RowBlock, HoldsTextAndBytes) {
  Result result = MakeResult({{"t", kText}, {"x", kBytea}, {"j", kJsonb}, {"t", kVarchar}});
  Set(result, 0, 0, "hello");
  Set(result, 0, 1, std::string("\0\1\2", 3));
  Set(result, 0, 2, "\1{}");
  Set(result, 0, 3, "");
  Ref<Rows> rows = BuildRows(result);
  // Position-independent: read a copy.
  std::vector<uint64_t> copy((rows->block()->total_size + 7) / 8);
  std::memcpy(copy.data(), rows->block(), rows->block()->total_size);
  const RowView view(copy.data());
  size_t size;
  EXPECT_STREQ(view.Text(0, 0, &size), "hello");
  EXPECT_EQ(size, 5u);
  EXPECT_EQ(view.Text(0, 1, &size), nullptr);
  EXPECT_EQ(std::memcmp(view.Bytes(0, 1, &size), "\0\1\2", 3), 0);
  EXPECT_EQ(size, 3u);
  EXPECT_STREQ(view.Text(0, 2, &size), "{}");
  EXPECT_EQ(size, 2u);
  EXPECT_STREQ(view.Text(0, 3, &size), "");
  EXPECT_EQ(view.ColumnIndex("t"), 3) << "the last one of several";
  EXPECT_EQ(view.ColumnIndex("x"), 1);
  EXPECT_EQ(view.ColumnIndex("nope"), -1);
  EXPECT_EQ(view.ColumnIndex(nullptr), -1);
  EXPECT_STREQ(view.ColumnName(2), "j");
  EXPECT_EQ(view.ColumnName(4), nullptr);
  EXPECT_EQ(view.ColumnType(2), uint32_t{kJsonb});
  EXPECT_EQ(view.Int8(0, 0), 0);
  EXPECT_EQ(view.Float8(0, 0), 0);
  EXPECT_EQ(view.Int8(1, 0), 0);
  EXPECT_TRUE(view.IsNull(0, 4));
}

TEST(RowBlock, KnowsTextOfUserTypes) {
  Result result = MakeResult({{"e", 16385}, {"c", 16386}});
  Set(result, 0, 0, "gr\xc3\xbcn");
  Set(result, 0, 1, Big32(1) + "x");
  Ref<Rows> rows = BuildRows(result);
  const RowView view(rows->block());
  size_t size;
  EXPECT_STREQ(view.Text(0, 0, &size), "gr\xc3\xbcn");
  EXPECT_EQ(view.Text(0, 1, &size), nullptr);
  EXPECT_EQ(FormatCell(view, 0, 1), "\\x0000000178");
}

TEST(RowBlock, CollectsRowsOfAStream) {
  RowCollector collector(1000, 1 << 20);
  const Result described = MakeResult({{"i", kInt4}, {"t", kText}});
  Begin(&collector, described);
  for (int i = 0; i < 100; i++) {
    Result row = described;
    Set(row, 0, 0, Big32(static_cast<uint32_t>(i)));
    if (i % 3 == 0)
      SetNull(row, 0, 1);
    else
      Set(row, 0, 1, "row " + std::to_string(i));
    Append(&collector, row);
    EXPECT_FALSE(collector.full());
    if (i == 49) {
      Ref<Rows> half = collector.Take({}, -1);
      EXPECT_EQ(RowView(half->block()).rows(), 50u);
      EXPECT_EQ(collector.rows(), 0u);
    }
  }
  Ref<Rows> rows = collector.Take("SELECT 50", 50);
  const RowView view(rows->block());
  ASSERT_EQ(view.rows(), 50u);
  for (uint64_t r = 0; r < 50; r++) {
    EXPECT_EQ(view.Int4(r, 0), static_cast<int>(r + 50));
    if ((r + 50) % 3 == 0)
      EXPECT_TRUE(view.IsNull(r, 1));
    else
      EXPECT_EQ(FormatCell(view, r, 1), "row " + std::to_string(r + 50));
  }
  EXPECT_STREQ(rows->memory() + rows->block()->tag_offset, "SELECT 50");
  EXPECT_EQ(rows->block()->affected, 50);
}

TEST(RowBlock, IsFull) {
  const Result described = MakeResult({{"t", kText}});
  Result row = described;
  Set(row, 0, 0, "1234567");
  RowCollector by_rows(2, UINT64_MAX);
  RowCollector by_bytes(100, 48);  // 16 + 8 for each
  for (RowCollector* collector : {&by_rows, &by_bytes}) {
    Begin(collector, described);
    Append(collector, row);
    EXPECT_FALSE(collector->full());
    Append(collector, row);
    EXPECT_TRUE(collector->full());
    (void)collector->Take({}, -1);
    EXPECT_FALSE(collector->full());
  }
}

// The same values always give the same bytes, of which this is every one.
TEST(RowBlock, ByteForByte) {
  Result result = MakeResult({{"id", kInt4}, {"name", kText}});
  Set(result, 0, 0, Big32(5));
  Set(result, 0, 1, "xy");
  SetNull(result, 1, 0);
  Set(result, 1, 1, "");
  RowCollector collector;
  Begin(&collector, result);
  Append(&collector, result);
  const Ref<Rows> rows = collector.Take("SELECT 2", 2);
  struct {
    RowBlock block{kRowBlockMagic, 1, 192, 2, 2, 56, 128, 2, 112, 0};
    RowColumn columns[2] = {{104, kInt4, -1, 7, 3, 0}, {107, kText, -1, 7, 3, 0}};
    char names[24] = "id\0name\0SELECT 2";
    RowCell cells[4] = {{5, 4, 0}, {192, 2, 0}, {0, kCellNull, 0}, {195, 0, 0}};
    char text[4] = "xy\0";
  } expected;
  static_assert(offsetof(decltype(expected), text) == 192);
  expected.block.total_size = 196;
  ASSERT_EQ(rows->block()->total_size, 196u);
  EXPECT_EQ(std::memcmp(rows->memory(), &expected, 196), 0);
}

TEST(RowBlock, WithoutRowsOrColumns) {
  RowCollector collector;
  collector.Begin(RowDescription::None());
  ASSERT_EQ(collector.Append("\0\0", 2), RowCollector::Added::kOk);
  Ref<Rows> rows = collector.Take({}, -1);
  EXPECT_EQ(RowView(rows->block()).rows(), 1u);
  rows = collector.Take({}, -1);
  const RowView view(rows->block());
  EXPECT_EQ(view.rows(), 0u);
  EXPECT_EQ(view.columns(), 0u);
  EXPECT_TRUE(view.IsNull(0, 0));
  EXPECT_EQ(rows->block()->tag_offset, 0u);
  EXPECT_EQ(rows->block()->affected, -1);
}

TEST(RowBlock, RefusesMalformedRows) {
  const Result described = MakeResult({{"i", kInt4}, {"t", kText}});
  const std::string good = test::RowBody({Big32(1), "text"});
  RowCollector collector;
  Begin(&collector, described);
  const auto append = [&collector](const std::string& body) {
    const std::unique_ptr<char[]> exact(new char[body.size()]);
    std::memcpy(exact.get(), body.data(), body.size());
    return collector.Append(exact.get(), body.size());
  };
  ASSERT_EQ(append(good), RowCollector::Added::kOk);
  const std::string bad[] = {
      "",
      "x",
      Big16(2),
      test::RowBody({Big32(1)}),
      test::RowBody({Big32(1), "text", "more"}),
      good + "x",
      Big16(2) + Big32(4) + Big32(1) + Big32(5) + "text",
      Big16(2) + Big32(4) + Big32(1) + Big32(INT32_MAX) + "text",
      Big16(2) + Big32(4) + Big32(1) + Big32(static_cast<uint32_t>(-2)) + "text",
  };
  for (const std::string& body : bad) EXPECT_EQ(append(body), RowCollector::Added::kMalformed);
  for (size_t cut = 0; cut < good.size(); cut++)
    EXPECT_EQ(append(good.substr(0, cut)), RowCollector::Added::kMalformed);
  EXPECT_EQ(collector.rows(), 1u) << "what fails adds nothing";
  EXPECT_EQ(append(good), RowCollector::Added::kOk);
  const Ref<Rows> rows = collector.Take({}, -1);
  EXPECT_EQ(FormatCell(RowView(rows->block()), 1, 1), "text");
}

TEST(RowDescription, RefusesMalformedOnes) {
  const std::string good = test::ColumnsBody({{"id", kInt4}, {"name", kText}});
  const auto parse = [](const std::string& body) {
    const std::unique_ptr<char[]> exact(new char[body.size()]);
    std::memcpy(exact.get(), body.data(), body.size());
    return RowDescription::Parse(exact.get(), body.size());
  };
  ASSERT_TRUE(parse(good));
  EXPECT_EQ(parse(good)->count(), 2u);
  for (size_t cut = 0; cut < good.size(); cut++) EXPECT_FALSE(parse(good.substr(0, cut)));
  EXPECT_FALSE(parse(good + "x"));
  EXPECT_FALSE(parse(Big16(UINT16_MAX) + good.substr(2)));
  EXPECT_FALSE(parse(test::ColumnsBody({{"id", kInt4, 2}}))) << "an unknown format";
  EXPECT_TRUE(parse(Big16(0)));
}

TEST(RowDescription, WhatComesAsTextIsStoredAsText) {
  const std::string body = test::ColumnsBody({{"id", kInt4, 0}});
  EXPECT_EQ(RowDescription::Parse(body.data(), body.size())->oid(0), uint32_t{kText});
}

TEST(RowView, RefusesWhatIsNoBlock) {
  EXPECT_EQ(RowView(nullptr).rows(), 0u);
  RowBlock junk{};
  EXPECT_EQ(RowView(&junk).columns(), 0u);
  junk.magic = kRowBlockMagic;
  junk.version = 2;
  junk.total_size = sizeof junk;
  EXPECT_EQ(RowView(&junk).columns(), 0u);
}

// Every read of a broken block must stay inside it: the block is malloc'd to size, so that
// AddressSanitizer sees a step outside.
TEST(RowView, StaysInsideBrokenBlocks) {
  Result result = MakeResult({{"id", kInt8}, {"name", kText}, {"n", kNumeric}, {"e", 20000}});
  for (int r = 0; r < 4; r++) {
    Set(result, r, 0, Big64(static_cast<uint64_t>(r)));
    Set(result, r, 1, "name");
    Set(result, r, 2, Numeric(0, 0, 2, {12, 5000}));
    Set(result, r, 3, "label");
  }
  Ref<Rows> rows = BuildRows(result);
  const size_t size = rows->block()->total_size;
  std::mt19937_64 random(42);
  for (int round = 0; round < 20000; round++) {
    std::unique_ptr<char[]> bytes(new char[size]);
    std::memcpy(bytes.get(), rows->memory(), size);
    for (int i = 0; i < 3; i++) {
      const size_t at = random() % size;
      // The block's own word for its size is what there is: leave it.
      if (at < 8 || at >= 16) bytes[at] = static_cast<char>(random());
    }
    const RowView view(bytes.get());
    for (uint64_t r = 0; r < 5; r++) {
      for (uint32_t c = 0; c < 5; c++) {
        size_t ignored;
        (void)view.Text(r, c, &ignored);
        (void)view.Bytes(r, c, &ignored);
        (void)view.Int8(r, c);
        (void)view.Float8(r, c);
        (void)view.ColumnName(c);
        if (view.At(r, c).size < 1000) (void)FormatCell(view, r, c);
      }
    }
    (void)view.ColumnIndex("name");
  }
}

TEST(Format, LikePostgresPrints) {
  EXPECT_EQ(FormatOne(kBool, std::string("\1", 1)), "t");
  EXPECT_EQ(FormatOne(kInt2, Big16(static_cast<uint16_t>(-7))), "-7");
  EXPECT_EQ(FormatOne(kInt8, Big64(static_cast<uint64_t>(INT64_MIN))), "-9223372036854775808");
  EXPECT_EQ(FormatOne(kOid, Big32(4294967295u)), "4294967295");
  EXPECT_EQ(FormatOne(kFloat8, Float8(0.1)), "0.1");
  EXPECT_EQ(FormatOne(kFloat8, Float8(1e15)), "1e+15");
  EXPECT_EQ(FormatOne(kFloat8, Float8(123456789012345.0)), "123456789012345");
  EXPECT_EQ(FormatOne(kFloat8, Float8(0.0001)), "0.0001");
  EXPECT_EQ(FormatOne(kFloat8, Float8(0.00001)), "1e-05");
  EXPECT_EQ(FormatOne(kFloat8, Float8(-0.0)), "-0");
  EXPECT_EQ(FormatOne(kFloat8, Float8(NAN)), "NaN");
  EXPECT_EQ(FormatOne(kFloat8, Float8(-INFINITY)), "-Infinity");
  EXPECT_EQ(FormatOne(kFloat4, Float4(0.1f)), "0.1");
  EXPECT_EQ(FormatOne(kFloat4, Float4(1e6f)), "1e+06");
  EXPECT_EQ(FormatOne(kFloat4, Float4(123456.0f)), "123456");
  EXPECT_EQ(FormatOne(kBytea, std::string("\0\xff", 2)), "\\x00ff");
  EXPECT_EQ(FormatOne(kText, "a\nb"), "a\nb");
  EXPECT_EQ(FormatOne(kUuid, "0123456789abcdef"), "30313233-3435-3637-3839-616263646566");
  EXPECT_EQ(FormatOne(kJsonb, "\1{\"a\": 1}"), "{\"a\": 1}");
}

TEST(Format, DatesAndTimes) {
  EXPECT_EQ(FormatOne(kDate, Big32(0)), "2000-01-01");
  EXPECT_EQ(FormatOne(kDate, Big32(9496)), "2025-12-31");
  EXPECT_EQ(FormatOne(kDate, Big32(static_cast<uint32_t>(-730120))), "0001-12-31 BC");
  EXPECT_EQ(FormatOne(kDate, Big32(INT32_MAX)), "infinity");
  EXPECT_EQ(FormatOne(kDate, Big32(static_cast<uint32_t>(INT32_MIN))), "-infinity");
  EXPECT_EQ(FormatOne(kTimestamp, Big64(0)), "2000-01-01 00:00:00");
  EXPECT_EQ(FormatOne(kTimestamp, Big64(static_cast<uint64_t>(-1))), "1999-12-31 23:59:59.999999");
  EXPECT_EQ(FormatOne(kTimestamptz, Big64(86400000000u + 1500000)), "2000-01-02 00:00:01.5+00");
  EXPECT_EQ(FormatOne(kTimestamptz, Big64(INT64_MAX)), "infinity");
  // The last ones have no number of microseconds since 1970.
  const auto us = [](uint64_t pg) { return FormatOne(kTimestamp, Big64(pg)); };
  EXPECT_EQ(us(9222425352054775806u), "294247-01-10 04:00:54.775806");
  EXPECT_EQ(us(9222425352054775807u), "294247-01-10 04:00:54.775807");
  EXPECT_EQ(us(9222425352054775808u), "294247-01-10 04:00:54.775808");
  EXPECT_EQ(us(9222425352055775806u), "294247-01-10 04:00:55.775806");
  EXPECT_EQ(us(9222425352055775807u), "294247-01-10 04:00:55.775807");
  EXPECT_EQ(us(9223371331199999999u), "294276-12-31 23:59:59.999999");
  EXPECT_EQ(FormatOne(kTime, Big64(86399999999u)), "23:59:59.999999");
  EXPECT_EQ(FormatOne(kTimetz, Big64(3600000000u) + Big32(static_cast<uint32_t>(-7200))),
            "01:00:00+02");
  EXPECT_EQ(FormatOne(kTimetz, Big64(0) + Big32(19800)), "00:00:00-05:30");
  const auto interval = [](int64_t us, int32_t days, int32_t months) {
    return FormatOne(kInterval, Big64(static_cast<uint64_t>(us)) +
                                    Big32(static_cast<uint32_t>(days)) +
                                    Big32(static_cast<uint32_t>(months)));
  };
  EXPECT_EQ(interval(INT64_MAX, INT32_MAX, INT32_MAX), "infinity");
  EXPECT_EQ(interval(INT64_MIN, INT32_MIN, INT32_MIN), "-infinity");
  EXPECT_EQ(interval(0, 0, 0), "00:00:00");
  EXPECT_EQ(interval(14706789000, 3, 14), "1 year 2 mons 3 days 04:05:06.789");
  EXPECT_EQ(interval(14706000000, -3, 0), "-3 days +04:05:06");
  EXPECT_EQ(interval(-1000000, 1, -1), "-1 mons +1 day -00:00:01");
}

TEST(Numeric, ToText) {
  EXPECT_EQ(FormatOne(kNumeric, Numeric(0, 0, 0, {})), "0");
  EXPECT_EQ(FormatOne(kNumeric, Numeric(0, 0, 2, {})), "0.00");
  EXPECT_EQ(FormatOne(kNumeric, Numeric(0, 0x4000, 2, {12, 5000})), "-12.50");
  EXPECT_EQ(FormatOne(kNumeric, Numeric(1, 0, 0, {1})), "10000");
  EXPECT_EQ(FormatOne(kNumeric, Numeric(-1, 0, 5, {1, 2000})), "0.00012");
  EXPECT_EQ(FormatOne(kNumeric, Numeric(-2, 0, 8, {7})), "0.00000007");
  EXPECT_EQ(FormatOne(kNumeric, Numeric(0, 0xc000, 0, {})), "NaN");
  EXPECT_EQ(FormatOne(kNumeric, Numeric(0, 0xd000, 0, {})), "Infinity");
  EXPECT_EQ(FormatOne(kNumeric, Numeric(0, 0xf000, 0, {})), "-Infinity");
  EXPECT_EQ(NumericToText("junk", 4), "NaN");
}

TEST(Numeric, ToDouble) {
  const auto convert = [](const std::string& bytes) {
    return NumericToDouble(bytes.data(), bytes.size());
  };
  EXPECT_EQ(convert(Numeric(0, 0x4000, 2, {12, 5000})), -12.5);
  EXPECT_EQ(convert(Numeric(0, 0, 0, {})), 0.0);
  EXPECT_EQ(convert(Numeric(-1, 0, 1, {1000})), 0.1);
  EXPECT_EQ(convert(Numeric(100, 0, 0, {1})), INFINITY);
  EXPECT_EQ(convert(Numeric(-100, 0, 400, {1})), 0.0);
  std::vector<uint16_t> all(101);
  all.front() = all.back() = 1;
  EXPECT_EQ(convert(Numeric(100, 0, 0, all)), INFINITY);  // 1e400 + 1
  EXPECT_EQ(convert(Numeric(100, 0x4000, 0, all)), -INFINITY);
  std::vector<uint16_t> with_decimals(79);
  with_decimals.front() = 100;
  with_decimals.back() = 5000;
  EXPECT_EQ(convert(Numeric(77, 0, 1, with_decimals)), INFINITY);  // 1e310 + 0.5
  std::vector<uint16_t> longer(300, 9999);
  EXPECT_EQ(convert(Numeric(299, 0, 0, longer)), INFINITY);
  EXPECT_EQ(convert(Numeric(-100, 0, 1600, longer)), 0.0);
  EXPECT_EQ(convert(Numeric(77, 0, 0, {1, 7976})), 1.7976e308);
  EXPECT_EQ(convert(Numeric(77, 0, 0, {1, 7977})), INFINITY);
  EXPECT_EQ(convert(Numeric(75, 0, 0, {5})), 5e300);
  EXPECT_TRUE(std::isnan(convert(Numeric(0, 0xc000, 0, {}))));
}

}  // namespace
}  // namespace creche::pg
