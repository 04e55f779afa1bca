// Texts that are the same whatever type reads them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pg/type/type.h"

namespace creche::pg {
namespace {

struct Case {
  std::vector<uint32_t> types;
  std::vector<std::string> same;
  std::vector<std::string> others;
};

bool IsCanonical(uint32_t type, std::string_view text) {
  const auto canonical = TypeOf(type).canonical;
  return canonical && canonical(text);
}

TEST(CanonicalText, Table) {
  const Case cases[] = {
      {{kInt2, kInt4, kInt8, kNumeric},
       {"0", "7", "-7", "1234567890", "5000000000", "10"},
       {"", "-", "+5", "007", "-0", "-07", " 7", "7 ", "1.0", "1e3", "0x10", "1_000", "NaN",
        "--1"}},
      {{kOid}, {"0", "16384", "999999999"}, {"", "-1", "4294967295", "007", "+1", " 1", "1 "}},
      {{kBool}, {"true", "false"}, {"", "t", "f", "TRUE", "yes", "1", "on", " true", "tru"}},
      {{kUuid},
       {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000"},
       {"", "A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g",
        "a0eebc999-c0b-4ef8-bb6d-6bb9bd380a11", " 0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}},
      {{kText, kVarchar, kJson}, {"", " a ", "007", "{\"b\":1,\"b\":2}"}, {}},
      {{kFirstUserType, kFirstUserType + 9},
       {"happy", "Sad", "in_progress", "trueish", "nowhere", "a"},
       {"",         "t",     "Tr",         "fals", "YES",
        "of",       "o",     "y",          "N",    "nan",
        "Infinity", "today", "now",        "007",  "a b",
        " a",       "a ",    "a1",         "P1Y",  "(1,2)",
        "{1}",      "a=>1",  "b\xc3\xa4h", "_a",   std::string(64, 'a')}},
      {{kInt2Array, kInt4Array, kInt8Array},
       {"{}", "{1}", "{1,-2,3}"},
       {"", "{", "}", "{1, 2}", "{ 1}", "{01}", "{1,}", "{,1}", "{1,NULL}", "{{1}}", "[0:0]={1}",
        "{1}x", "{\"1\"}", " {1}"}},
      {{kTextArray, kVarcharArray},
       {"{}", "{a}", "{a,B_c,1.5,d-e}"},
       {"{a b}", "{ a}", "{\"a\"}", "{null}", "{NULL}", "{a,}", "{,}", "{a\\,b}", "{{a}}"}},
      {{kFloat4, kFloat8, kDate, kTime,  kTimetz, kTimestamp,  kTimestamptz, kInterval,
        kBpchar, kName,   kChar, kBytea, kJsonb,  kXml,        650,          869,
        829,     790,     2205,  1560,   28,      kUnknownType},
       {},
       {"", "1", "a", "{}"}},
  };
  for (const Case& c : cases) {
    for (const uint32_t type : c.types) {
      EXPECT_EQ(TypeOf(type).canonical != nullptr, !c.same.empty()) << type;
      for (const std::string& text : c.same)
        EXPECT_TRUE(IsCanonical(type, text)) << type << " '" << text << "'";
      for (const std::string& text : c.others)
        EXPECT_FALSE(IsCanonical(type, text)) << type << " '" << text << "'";
    }
  }
}

// The loop looks at them: nobody is to wait for that.
TEST(CanonicalText, LongOnesAreNotLookedAt) {
  const std::string digits(1 << 20, '1');
  EXPECT_FALSE(IsCanonical(kNumeric, digits));
  EXPECT_FALSE(IsCanonical(kInt4Array, "{" + digits + "}"));
  EXPECT_FALSE(IsCanonical(kTextArray, "{" + digits + "}"));
  EXPECT_TRUE(IsCanonical(kText, digits));
  EXPECT_TRUE(IsCanonical(kNumeric, digits.substr(0, 1000)));
}

}  // namespace
}  // namespace creche::pg
