// Named parameters.
#include <gtest/gtest.h>

#include "pg/sql/named_params.h"

namespace creche::pg {
namespace {

std::string Of(const char* sql) {
  static const char* const kNames[] = {"a", "_b1",
                                       "gr\xc3\xb6\xc3\x9f"
                                       "e"};
  const Numbered made = NumberNames(sql, kNames, 3);
  return made.problem == Numbered::Problem::kNone || made.problem == Numbered::Problem::kUnused
             ? made.sql
             : "problem " + std::to_string(static_cast<int>(made.problem)) + " " + made.name;
}

TEST(NamedParams, WhereTheyAre) {
  EXPECT_EQ(Of(":a"), "$1");
  EXPECT_EQ(Of("select :a, :_b1,:gr\xc3\xb6\xc3\x9f"
               "e::text, :a::int"),
            "select $1, $2,$3::text, $1::int");
  EXPECT_EQ(Of("x=:a"), "x=$1");
  EXPECT_EQ(Of("(:a)+:a-:a"), "($1)+$1-$1");
  EXPECT_EQ(Of("array[1:2], b[: 1], c[lo : hi], d[1 : :a]"),
            "array[1:2], b[: 1], c[lo : hi], d[1 : $1]");
}

TEST(NamedParams, WhereTheyAreNot) {
  for (const char* sql : {"':a'",
                          "'it''s :a'",
                          "e'\\' :a'",
                          "E'\\\\'",
                          "\":a\"\"\"",
                          "$$ :a $$",
                          "$t$ :a $x$ :a $t$",
                          "-- :a\n",
                          "/* :a /* :a */ :a */",
                          "x::a",
                          "x :=1",
                          "u&':a'",
                          "a$b$ + c$b$",
                          "'open :a",
                          "$$ open :a",
                          "/* open :a",
                          "\"open :a",
                          "1:2",
                          ":",
                          "::",
                          "",
                          "select 'a' || ':' ",
                          "$",
                          "$ $"})
    EXPECT_EQ(Of(sql), sql);
  EXPECT_EQ(Of("e'\\\\' || :a"), "e'\\\\' || $1");
  EXPECT_EQ(Of("'\\' || :a"), "'\\' || $1");
  EXPECT_EQ(Of("name':' :a"), "name':' $1");
  EXPECT_EQ(Of("-- x\n:a"), "-- x\n$1");
}

TEST(NamedParams, WhatIsWrong) {
  EXPECT_EQ(Of(":c"), "problem 1 c");
  EXPECT_EQ(Of(":ab"), "problem 1 ab");
  EXPECT_EQ(Of("x[lo:hi]"), "problem 1 hi");
  EXPECT_EQ(Of(":a + $1"), "problem 3 ");
  static const char* const kTwo[] = {"a", "b"};
  EXPECT_EQ(NumberNames(":a", kTwo, 2).problem, Numbered::Problem::kUnused);
  EXPECT_EQ(NumberNames(":a", kTwo, 2).name, "b");
  static const char* const kBad[] = {":a"};
  EXPECT_EQ(NumberNames(":a", kBad, 1).problem, Numbered::Problem::kNoName);
  static const char* const kNull[] = {nullptr};
  EXPECT_EQ(NumberNames(":a", kNull, 1).problem, Numbered::Problem::kNoName);
  EXPECT_EQ(NumberNames("select 1", nullptr, 0).sql, "select 1");
}

}  // namespace
}  // namespace creche::pg
