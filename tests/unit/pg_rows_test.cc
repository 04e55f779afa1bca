// Row blocks: building them from results, reading them, formatting cells, and hostile bytes.
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "pg/bytes.h"
#include "pg/format.h"
#include "pg/numeric.h"
#include "pg/row_builder.h"
#include "pg/row_view.h"
#include "pg/types.h"

namespace creche::pg {
namespace {

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

struct ColumnSpec {
  const char* name;
  uint32_t type;
};

Result MakeResult(std::vector<ColumnSpec> columns) {
  Result result(PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK), &PQclear);
  std::vector<PGresAttDesc> attributes;
  for (const ColumnSpec& column : columns)
    attributes.push_back({const_cast<char*>(column.name), 7, 3, 1, column.type, 4, -1});
  EXPECT_TRUE(
      PQsetResultAttrs(result.get(), static_cast<int>(attributes.size()), attributes.data()));
  return result;
}

void Set(const Result& result, int row, int column, std::string bytes) {
  EXPECT_TRUE(PQsetvalue(result.get(), row, column, bytes.data(), static_cast<int>(bytes.size())));
}
void SetNull(const Result& result, int row, int column) {
  EXPECT_TRUE(PQsetvalue(result.get(), row, column, nullptr, -1));
}

std::string Big16(uint16_t v) {
  char b[2];
  Store16(b, v);
  return {b, 2};
}
std::string Big32(uint32_t v) {
  char b[4];
  Store32(b, v);
  return {b, 4};
}
std::string Big64(uint64_t v) {
  char b[8];
  Store64(b, v);
  return {b, 8};
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
  Ref<Rows> rows = BuildRows(result.get());
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
  Ref<Rows> rows = BuildRows(result.get());
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
  Ref<Rows> rows = BuildRows(result.get());
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
  Ref<Rows> rows = BuildRows(result.get());
  const RowView view(rows->block());
  size_t size;
  EXPECT_STREQ(view.Text(0, 0, &size), "gr\xc3\xbcn");
  EXPECT_EQ(view.Text(0, 1, &size), nullptr);
  EXPECT_EQ(FormatCell(view, 0, 1), "\\x0000000178");
}

TEST(RowBlock, CollectsRowsOfSmallResults) {
  RowCollector collector;
  Result described = MakeResult({{"i", kInt4}, {"t", kText}});
  for (int i = 0; i < 100; i++) {
    Result row = MakeResult({{"i", kInt4}, {"t", kText}});
    Set(row, 0, 0, Big32(static_cast<uint32_t>(i)));
    if (i % 3 == 0)
      SetNull(row, 0, 1);
    else
      Set(row, 0, 1, "row " + std::to_string(i));
    collector.Append(row.get());
    if (i == 49) {
      Ref<Rows> half = collector.Take(described.get());
      EXPECT_EQ(RowView(half->block()).rows(), 50u);
      EXPECT_EQ(collector.rows(), 0u);
      EXPECT_EQ(collector.bytes(), 0u);
    }
  }
  Ref<Rows> rows = collector.Take(described.get());
  const RowView view(rows->block());
  ASSERT_EQ(view.rows(), 50u);
  for (uint64_t r = 0; r < 50; r++) {
    EXPECT_EQ(view.Int4(r, 0), static_cast<int>(r + 50));
    if ((r + 50) % 3 == 0)
      EXPECT_TRUE(view.IsNull(r, 1));
    else
      EXPECT_EQ(FormatCell(view, r, 1), "row " + std::to_string(r + 50));
  }
}

TEST(RowBlock, WithoutRowsOrColumns) {
  Result result(PQmakeEmptyPGresult(nullptr, PGRES_COMMAND_OK), &PQclear);
  Ref<Rows> rows = BuildRows(result.get());
  const RowView view(rows->block());
  EXPECT_EQ(view.rows(), 0u);
  EXPECT_EQ(view.columns(), 0u);
  EXPECT_TRUE(view.IsNull(0, 0));
  EXPECT_EQ(rows->block()->tag_offset, 0u);
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
  Ref<Rows> rows = BuildRows(result.get());
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
  EXPECT_EQ(FormatOne(kTime, Big64(86399999999u)), "23:59:59.999999");
  EXPECT_EQ(FormatOne(kTimetz, Big64(3600000000u) + Big32(static_cast<uint32_t>(-7200))),
            "01:00:00+02");
  EXPECT_EQ(FormatOne(kTimetz, Big64(0) + Big32(19800)), "00:00:00-05:30");
  const auto interval = [](int64_t us, int32_t days, int32_t months) {
    return FormatOne(kInterval, Big64(static_cast<uint64_t>(us)) +
                                    Big32(static_cast<uint32_t>(days)) +
                                    Big32(static_cast<uint32_t>(months)));
  };
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
  EXPECT_EQ(convert(Numeric(75, 0, 0, {5})), 5e300);
  EXPECT_TRUE(std::isnan(convert(Numeric(0, 0xc000, 0, {}))));
}

}  // namespace
}  // namespace creche::pg
