#include "pg/sql/text_names.h"

#include <gtest/gtest.h>

namespace creche::pg {
namespace {

TEST(TextNames, KnowsForSoLong) {
  TextNames names;
  EXPECT_FALSE(names.Known(0));
  names.Learn({"rights"}, 100);
  EXPECT_TRUE(names.Known(99));
  EXPECT_FALSE(names.Known(100));
  EXPECT_TRUE(names.In("select null::Rights"));
  EXPECT_FALSE(names.In("select null::int"));
}

// Each of these was made in a transaction, and the next one would wait for a look at everything.
TEST(TextNames, TablesOfOtherTypesAreNoReasonToAskAgain) {
  TextNames names;
  names.Learn({"rights"}, 100);
  for (const char* tag : {"CREATE TABLE", "CREATE VIEW", "CREATE INDEX", "SELECT 1", "INSERT 0 1"})
    names.OnDone(tag, false);
  EXPECT_TRUE(names.Known(0));
  names.OnDone("CREATE TABLE", true);
  EXPECT_FALSE(names.Known(0));
}

TEST(TextNames, TypesAre) {
  for (const char* tag : {"CREATE TYPE", "CREATE DOMAIN", "CREATE EXTENSION"}) {
    TextNames names;
    names.Learn({}, 100);
    names.OnDone(tag, false);
    EXPECT_FALSE(names.Known(0)) << tag;
  }
}

}  // namespace
}  // namespace creche::pg
