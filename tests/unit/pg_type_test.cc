// The table of types: every row is whole, and what goes out comes back.
#include "pg/type/type.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace creche::pg {
namespace {

TEST(PgType, EveryRowIsWhole) {
  int known = 0;
  for (uint32_t oid = 0; oid < 20'000; oid++) {
    const Type& type = TypeOf(oid);
    if (!type.name) {
      EXPECT_FALSE(type.decode || type.encode_integer || type.encode_real) << oid;
      EXPECT_EQ(type.print != nullptr, oid >= kFirstUserType) << oid;
      EXPECT_EQ(type.canonical != nullptr, oid >= kFirstUserType) << oid;
      continue;
    }
    known++;
    EXPECT_EQ(type.oid, oid);
    EXPECT_EQ(TypeName(oid), type.name);
    EXPECT_EQ(type.size != 0, type.decode != nullptr) << type.name;
    EXPECT_LE(type.size, 8) << type.name;
    EXPECT_TRUE(type.size == 0 || type.print) << type.name;
    EXPECT_TRUE(type.size != 0 || !(type.encode_integer || type.encode_real)) << type.name;
    EXPECT_TRUE(type.kind != Type::Kind::kText || !type.print) << type.name;
  }
  EXPECT_EQ(known, 164);
}

TEST(PgType, WhatIsNotKnown) {
  EXPECT_EQ(TypeName(0), "type 0");
  EXPECT_EQ(TypeName(16'501), "type 16501");
  EXPECT_EQ(TypeOf(kUnknownType).kind, Type::Kind::kOther);
  EXPECT_EQ(TypeOf(kFirstUserType - 1).kind, Type::Kind::kOther);
  EXPECT_EQ(TypeOf(kFirstUserType).kind, Type::Kind::kPerhapsText);
  EXPECT_EQ(TypeOf(UINT32_MAX).binary, Type::Binary::kPerhaps);
  EXPECT_EQ(TypeOf(kAclitemArray).binary, Type::Binary::kNo);
}

TEST(PgType, NumbersComeBackAsTheyWent) {
  const struct {
    uint32_t oid;
    int64_t least, most;
  } integers[] = {{kBool, 0, 1},
                  {kInt2, INT16_MIN, INT16_MAX},
                  {kInt4, INT32_MIN, INT32_MAX},
                  {kInt8, INT64_MIN, INT64_MAX},
                  {kTimestamp, INT64_MIN, INT64_MAX},
                  {kTimestamptz, INT64_MIN, INT64_MAX}};
  char bytes[8];
  for (const auto& i : integers) {
    const Type& type = TypeOf(i.oid);
    for (const int64_t value : {i.least, int64_t{0}, int64_t{1}, i.most}) {
      ASSERT_EQ(type.encode_integer(value, bytes), nullptr) << type.name << " " << value;
      EXPECT_EQ(static_cast<int64_t>(type.decode(bytes)), value) << type.name;
    }
    if (type.size == 8) continue;
    EXPECT_NE(type.encode_integer(i.least - 1, bytes), nullptr) << type.name;
    EXPECT_NE(type.encode_integer(i.most + 1, bytes), nullptr) << type.name;
  }
  EXPECT_NE(TypeOf(kTimestamp).encode_integer(INT64_MIN + 1, bytes), nullptr);
  for (const uint32_t oid : {kFloat4, kFloat8}) {
    // Such as have few digits in both.
    for (const double value : {0.0, -1.5, 0.25, 1048576.0, HUGE_VAL, -HUGE_VAL}) {
      ASSERT_EQ(TypeOf(oid).encode_real(value, bytes), nullptr);
      EXPECT_EQ(std::bit_cast<double>(TypeOf(oid).decode(bytes)), value);
    }
  }
  EXPECT_NE(TypeOf(kFloat4).encode_real(1e300, bytes), nullptr);
  EXPECT_NE(TypeOf(kFloat4).encode_real(1e-300, bytes), nullptr);
}

}  // namespace
}  // namespace creche::pg
