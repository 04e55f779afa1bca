// Statements: parameters, verbs, the cache of prepared ones and the history.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "pg/protocol/bytes.h"
#include "pg/sql/history.h"
#include "pg/sql/statement.h"
#include "pg/sql/statement_cache.h"
#include "pg/sql/text_cache.h"
#include "pg/type/type.h"

namespace creche::pg {
namespace {

Value Integer(uint32_t type, int64_t i) {
  return {type, Value::kInteger, i, 0, nullptr, 0};
}
Value Real(uint32_t type, double d) {
  return {type, Value::kReal, 0, d, nullptr, 0};
}
Value Bytes(uint32_t type, uint32_t form, const void* data, size_t size) {
  return {type, form, 0, 0, data, size};
}

// A parameter as Bind sends it.
struct Sent {
  bool null;
  bool binary;
  std::string bytes;
};
std::vector<Sent> ParametersOf(const Statement& s) {
  std::vector<Sent> sent;
  std::string_view values = s.values();
  for (size_t i = 0; i < s.count(); i++) {
    const std::string_view value = Statement::TakeValue(&values);
    sent.push_back({!value.data(), Load16(s.forms().data() + 2 * i) == 1, std::string(value)});
  }
  EXPECT_EQ(values, "");
  return sent;
}

Statement One(Value value) {
  return Statement("select $1", &value, 1);
}

TEST(Verb, WhatNamesStandFor) {
  for (const char* everybody : {"alter table t add c int", " -- x\n ALTER type t rename to u"})
    EXPECT_EQ(RenamesOf(everybody, false), Renames::kEverybody) << everybody;
  for (const char* session :
       {"create temp table t (a int)", "drop table t", "set search_path = x",
        "SET LOCAL schema 'x'", "reset all", "reset search_path", "set role x",
        "set session authorization x", "select set_config('search_path', $1, true)",
        "select set_config($1, $2, true)", "do $$ begin end $$", "call p()", "discard all"})
    EXPECT_EQ(RenamesOf(session, false), Renames::kSession) << session;
  for (const char* nothing :
       {"select 1", "set statement_timeout = 1", "select set_config('app.user', $1, true)",
        "insert into alter_log values (1)", "begin", "commit", "reset work_mem", ""})
    EXPECT_EQ(RenamesOf(nothing, false), Renames::kNothing) << nothing;
  EXPECT_EQ(RenamesOf("select 1; alter table t add c int", true), Renames::kEverybody);
  EXPECT_EQ(RenamesOf("select 1; create table t ()", true), Renames::kSession);
  EXPECT_EQ(RenamesOf("select 1; update t set a = 1", true), Renames::kNothing);
}

TEST(Verb, WhatReadsTheCatalog) {
  for (const char* reads :
       {"select * from pg_class", "select * from Pg_Class where pg_table_is_visible(oid)",
        "table pg_catalog.pg_type", "select * from \"pg_class\"", "select relacl from c"})
    EXPECT_TRUE(ReadsCatalog(reads)) << reads;
  for (const char* other : {"select pg_sleep(1), $1", "select pg_catalog.pg_advisory_lock (1)",
                            "select 1 as my_pg", "select a_pg_b from t", "select 1"})
    EXPECT_FALSE(ReadsCatalog(other)) << other;
}

TEST(Params, Integers) {
  const Value values[] = {Integer(kBool, 1),
                          Integer(kInt2, -2),
                          Integer(kInt4, 3),
                          Integer(kInt8, INT64_MIN),
                          Integer(kTimestamptz, 946684800000001),
                          Integer(kTimestamp, INT64_MAX)};
  const Statement s("select 1", values, 6);
  ASSERT_FALSE(s.error());
  const std::vector<Sent> sent = ParametersOf(s);
  ASSERT_EQ(sent.size(), 6u);
  EXPECT_EQ(sent[0].bytes[0], 1);
  EXPECT_EQ(Load16(sent[1].bytes.data()), 0xfffe);
  EXPECT_EQ(Load32(sent[2].bytes.data()), 3u);
  EXPECT_EQ(Load64(sent[3].bytes.data()), 0x8000000000000000u);
  EXPECT_EQ(Load64(sent[4].bytes.data()), 1u);
  EXPECT_EQ(Load64(sent[5].bytes.data()), static_cast<uint64_t>(INT64_MAX));
  const size_t lengths[] = {1, 2, 4, 8, 8, 8};
  for (size_t i = 0; i < 6; i++) {
    EXPECT_EQ(sent[i].bytes.size(), lengths[i]);
    EXPECT_TRUE(sent[i].binary);
    EXPECT_EQ(s.types()[i], values[i].type);
  }
  EXPECT_STREQ(s.sql().sql(), "select 1");
}

TEST(Params, TextBytesAndNull) {
  const Value values[] = {Bytes(0, Value::kText, "abc", 2),
                          Bytes(kBytea, Value::kBinary, "\0x", 2),
                          Bytes(0, Value::kNull, nullptr, 0),
                          Bytes(kBytea, Value::kBinary, nullptr, 0),
                          Real(kFloat8, 0.5),
                          Real(kFloat4, -INFINITY)};
  const Statement s("x", values, 6);
  ASSERT_FALSE(s.error());
  const std::vector<Sent> sent = ParametersOf(s);
  EXPECT_EQ(sent[0].bytes, "ab");
  EXPECT_FALSE(sent[0].binary);
  EXPECT_EQ(sent[1].bytes, std::string("\0x", 2));
  EXPECT_TRUE(sent[2].null);
  EXPECT_FALSE(sent[3].null);
  EXPECT_EQ(sent[3].bytes, "");
  EXPECT_EQ(Load64(sent[4].bytes.data()), 0x3fe0000000000000u);
  EXPECT_EQ(Load32(sent[5].bytes.data()), 0xff800000u);
}

// Few parameters stand in the statement, many behind a pointer; both move.
TEST(Params, Move) {
  for (const size_t count : {size_t{1}, size_t{3}, size_t{4}, size_t{100}}) {
    const std::vector<Value> values(count, Integer(kInt8, 7));
    Statement s("x", values.data(), count);
    const Statement moved(std::move(s));
    ASSERT_EQ(moved.count(), count);
    for (const Sent& sent : ParametersOf(moved)) EXPECT_EQ(Load64(sent.bytes.data()), 7u);
    EXPECT_EQ(moved.types()[count - 1], kInt8);
  }
}

TEST(Params, RefusesWhatCannotBeSent) {
  struct Case {
    Value value;
    Status status;
  };
  const Case cases[] = {
      {Integer(kInt2, 32768), Status::kInvalid},
      {Integer(kInt2, -32769), Status::kInvalid},
      {Integer(kInt4, int64_t{1} << 31), Status::kInvalid},
      {Integer(kBool, 2), Status::kInvalid},
      {Integer(kTimestamptz, INT64_MIN + 1), Status::kInvalid},
      {Integer(kText, 1), Status::kType},
      {Integer(0, 1), Status::kType},
      {Real(kInt4, 1), Status::kType},
      {Real(kFloat4, 1e300), Status::kInvalid},
      {Bytes(0, Value::kBinary, "x", 1), Status::kType},
      {Bytes(0, Value::kText, "a\0b", 3), Status::kInvalid},
      {Bytes(kBytea, Value::kBinary, nullptr, 1), Status::kInvalid},
      {Bytes(kBytea, Value::kBinary, "x", SIZE_MAX), Status::kInvalid},
      {Bytes(kBytea, 9, "x", 1), Status::kInvalid},
  };
  for (const Case& c : cases) {
    const Statement s = One(c.value);
    ASSERT_TRUE(s.error());
    EXPECT_EQ(s.error()->status(), c.status) << s.error()->message();
    EXPECT_NE(std::strstr(s.error()->message(), "$1"), nullptr);
  }
  const Value two[] = {Integer(kInt4, 1), Integer(kInt4, INT64_MAX)};
  EXPECT_NE(std::strstr(Statement("x", two, 2).error()->message(), "$2"), nullptr);
  std::vector<Value> many(65536, Integer(kInt4, 1));
  EXPECT_TRUE(Statement("x", many.data(), many.size()).error());
  EXPECT_FALSE(Statement("x", many.data(), 65535).error());
}

TEST(Statement, Verbs) {
  EXPECT_EQ(VerbOf("copy t to stdout"), Verb::kCopy);
  EXPECT_EQ(VerbOf("  -- hm\n /* a /* b */ */ COPY t from stdin"), Verb::kCopy);
  EXPECT_EQ(VerbOf("copying"), Verb::kOther);
  EXPECT_EQ(VerbOf("CALL p()"), Verb::kProcedure);
  EXPECT_EQ(VerbOf("do $$ begin commit; end $$"), Verb::kProcedure);
  EXPECT_EQ(VerbOf("document"), Verb::kOther);
  for (const char* leaves :
       {"select set_config('a', 'b', false)", "SELECT PG_ADVISORY_LOCK(1)",
        "select pg_try_advisory_lock_shared(1)", "set_config", "advisory_lock",
        "select 1 as a into temp t", "SELECT a INTO\nt FROM b",
        "with x as (select 1) select * into t",
        "with x as (insert into y values (1) returning a) select a into t from x",
        "(select 1)into t", "select*into t from b", "select 1 into",
        "select U&\"set\\005Fconfig\"()", "update pg_settings set setting = 1",
        "with a as (update pg_settings set setting = 1) table a",
        "update pg_catalog.PG_SETTINGS set setting = 1"})
    EXPECT_TRUE(LeavesState(leaves)) << leaves;
  for (const char* not_that : {"",
                               "_",
                               "select 1",
                               "select a_b from t_config",
                               "pg_advisory_xact_lock(1)",
                               "et_config",
                               "set_confi",
                               "dvisory_lock",
                               "advisory_loc",
                               "____",
                               "insert into t values (1)",
                               "insert into t select a from b",
                               "merge into t using s on a = b",
                               "select into_t from b",
                               "select a.intox",
                               "with x as (insert\n into y values (1) returning a) select a from x",
                               "WITH x AS (MERGE INTO y USING z ON true) SELECT 1",
                               "select * from pg_settings",
                               "update settings set a = 1",
                               "select 1 & 2",
                               "with into_ as (select 1) table into_"})
    EXPECT_FALSE(LeavesState(not_that)) << not_that;
  EXPECT_EQ(VerbOf("select 1"), Verb::kQuery);
  for (const char* planned : {"SELECT", "(values (1))", "with a as (select 1) table a", "table t",
                              "Insert into t", "update t", "delete from t", "merge into t"})
    EXPECT_EQ(VerbOf(planned), Verb::kQuery) << planned;
  for (const char* other : {"fetch 1 from c", "execute p", "show all", "explain select 1",
                            "selected", "set x = 1", "drop table t", "vacuum", "truncate t"})
    EXPECT_EQ(VerbOf(other), Verb::kOther) << other;
  EXPECT_EQ(VerbOf("Begin"), Verb::kTransaction);
  EXPECT_EQ(VerbOf("start transaction"), Verb::kTransaction);
  EXPECT_EQ(VerbOf("commit and chain"), Verb::kTransaction);
  EXPECT_EQ(VerbOf("end;"), Verb::kTransaction);
  EXPECT_EQ(VerbOf(""), Verb::kOther);
  EXPECT_EQ(VerbOf("/* open"), Verb::kOther);
}

// All that is known of a text is known when it is made, in the caller's thread.
TEST(SqlText, KnowsWhatItsWordsTell) {
  const auto query = SqlText::Make("select set_config('a', 'b', true)");
  EXPECT_TRUE(query->leaves_state() && !query->ends_transaction() && !query->copies());
  EXPECT_EQ(query->verb(), Verb::kQuery);
  EXPECT_STREQ(query->sql(), "select set_config('a', 'b', true)");
  EXPECT_FALSE(SqlText::Make("select 1")->leaves_state());
  EXPECT_TRUE(SqlText::Make("commit")->ends_transaction());
  EXPECT_TRUE(SqlText::Make("copy t from stdin")->copies());
  EXPECT_FALSE(SqlText::Make("select 1; commit; copy t from stdin")->copies());
  const Statement script = Statement::Script("select 1; commit; copy t from stdin");
  EXPECT_TRUE(script.sql().ends_transaction() && script.sql().copies());
  EXPECT_EQ(script.count(), 0u);
}

TEST(TextCache, KeepsWhatComesAgain) {
  TextCache cache;
  const std::string text = "select a, b, c from t where id = $1";
  const auto first = cache.Get(text), second = cache.Get(text), third = cache.Get(text);
  EXPECT_NE(first.get(), second.get()) << "it may never come again";
  EXPECT_EQ(second.get(), third.get());
  EXPECT_EQ(third->text(), text);
  // What stands elsewhere in memory, or was written over, is looked at.
  std::string copy = text;
  EXPECT_EQ(cache.Get(copy).get(), second.get());
  copy[7] = 'x';
  EXPECT_EQ(cache.Get(copy)->text(), copy);
  for (const char* small : {"", "a", "select", "begin;"})
    for (int i = 0; i < 3; i++) EXPECT_EQ(cache.Get(small)->text(), small);
}

TEST(TextCache, IsBoundedAndKeepsWhatIsUsed) {
  TextCache cache;
  const std::string hot = "select hot";
  cache.Get(hot);
  const auto kept = cache.Get(hot);
  // Ever new ones never get in; of others that come twice some do.
  for (int i = 0; i < 10'000; i++) {
    const std::string once = "select " + std::to_string(i);
    cache.Get(once);
    if (i % 3 == 0) cache.Get(once);
    EXPECT_EQ(cache.Get(hot).get(), kept.get());
  }
  const std::string longer(TextCache::kMaxSize + 1, 'x');
  cache.Get(longer);
  EXPECT_NE(cache.Get(longer).get(), cache.Get(longer).get());
}

TEST(TextCache, ManyThreadsAskAtOnce) {
  TextCache cache;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&cache] {
      for (int i = 0; i < 2'000; i++) {
        const std::string text = "select " + std::to_string(i % 50) + " from t";
        EXPECT_EQ(cache.Get(text)->text(), text);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

TEST(StatementCache, FindsByTextAndTypes) {
  StatementCache cache("p_", 4);
  const Value i4 = Integer(kInt4, 1), i8 = Integer(kInt8, 1);
  const Statement a("select $1", &i4, 1), b("select $1", &i8, 1);
  EXPECT_EQ(cache.Find(a, 0), nullptr);
  EXPECT_EQ(cache.Add(a, 0)->name, "p_1");
  EXPECT_EQ(cache.Find(a, 0)->name, "p_1");
  EXPECT_EQ(cache.Find(b, 0), nullptr);
  EXPECT_EQ(cache.Add(b, 0)->name, "p_2");
  EXPECT_EQ(cache.Find(a, 0)->name, "p_1");
  cache.Forget(cache.last());
  EXPECT_EQ(cache.Find(b, 0), nullptr);
  EXPECT_EQ(cache.to_close(), 0u) << "there was none";
  cache.Forget(a);
  EXPECT_EQ(cache.Find(a, 0), nullptr);
  ASSERT_EQ(cache.to_close(), 1u);
  EXPECT_EQ(cache.NextToClose(), "p_1");
}

TEST(StatementCache, KnowsTheColumnsOfResults) {
  StatementCache cache("p_", 4);
  const Statement a("select 1", nullptr, 0);
  const uint32_t number = cache.Add(a, 0)->number;
  EXPECT_FALSE(cache.Find(a, 0)->columns);
  const Ref<const RowDescription> columns = RowDescription::None();
  cache.Describe(number + 1, columns);
  EXPECT_FALSE(cache.Find(a, 0)->columns);
  cache.Describe(number, columns);
  EXPECT_EQ(cache.Find(a, 0)->columns.get(), columns.get());
  cache.Forget(a);
  cache.Describe(number, columns);
  EXPECT_FALSE(cache.Add(a, 0)->columns) << "prepared anew, described anew";
}

TEST(StatementCache, GivesUpTheLeastRecentlyUsed) {
  StatementCache cache("p_", 3);
  std::vector<Statement> s;
  for (int i = 0; i < 4; i++) s.emplace_back("select " + std::to_string(i), nullptr, 0);
  for (int i = 0; i < 3; i++) ASSERT_NE(cache.Add(s[static_cast<size_t>(i)], 0), nullptr);
  ASSERT_NE(cache.Find(s[0], 0), nullptr);
  ASSERT_NE(cache.Add(s[3], 0), nullptr);
  EXPECT_EQ(cache.Find(s[1], 0), nullptr);
  EXPECT_NE(cache.Find(s[0], 0), nullptr);
  EXPECT_NE(cache.Find(s[2], 0), nullptr);
  ASSERT_EQ(cache.to_close(), 1u);
  EXPECT_EQ(cache.NextToClose(), "p_2");
  EXPECT_EQ(cache.to_close(), 0u);
  cache.Closed();
  cache.Clear();
  EXPECT_EQ(cache.Find(s[0], 0), nullptr);
}

// What may be read as what the server has inferred: known only when it has said so.
TEST(StatementCache, LooksAtTextsOfInferredTypes) {
  StatementCache cache("p_", 4);
  const auto with = [](const char* text) {
    const Value values[] = {Bytes(0, Value::kText, text, std::strlen(text)), Integer(kInt4, 1)};
    return Statement("select $1, $2", values, 2);
  };
  const Statement plain("select 1", nullptr, 0);
  EXPECT_TRUE(cache.Add(plain, 0)->Fits(plain));
  const uint32_t number = cache.Add(with("7"), 0)->number;
  EXPECT_FALSE(cache.Find(with("7"), 0)->Fits(with("7")));
  EXPECT_EQ(cache.TakeTypes(number, "\0\0\0\x17\0\0\0\x17", 2), 0u);
  EXPECT_TRUE(cache.Find(with("7"), 0)->Fits(with("7")));
  EXPECT_FALSE(cache.Find(with("7"), 0)->Fits(with("007")));
  const Value null[] = {Bytes(0, Value::kNull, nullptr, 0), Integer(kInt4, 1)};
  EXPECT_TRUE(cache.Find(with("7"), 0)->Fits(Statement("select $1, $2", null, 2)));
  // A date is not kept at all.
  EXPECT_EQ(cache.TakeTypes(number, "\0\0\4\x3a\0\0\0\x17", 2), with("7").hash());
  EXPECT_EQ(cache.Find(with("7"), 0), nullptr);
  EXPECT_EQ(cache.TakeTypes(number, "\0\0\4\x3a\0\0\0\x17", 2), 0u);
}

// A Close that the server skips is sent again; what is being closed meanwhile is not mixed up with
// it.
TEST(StatementCache, KeepsNamesUntilTheirCloseIsAnswered) {
  StatementCache cache("p_", 1);
  for (int i = 0; i < 5; i++)
    ASSERT_NE(cache.Add(Statement("select " + std::to_string(i), nullptr, 0), 0), nullptr);
  ASSERT_EQ(cache.to_close(), 4u);
  EXPECT_EQ(cache.NextToClose(), "p_1");
  EXPECT_EQ(cache.NextToClose(), "p_2");
  EXPECT_EQ(cache.NextToClose(), "p_3");
  cache.Closed();
  cache.NotClosed(1);  // p_2
  EXPECT_EQ(cache.to_close(), 2u);
  cache.Closed();  // p_3
  EXPECT_EQ(cache.NextToClose(), "p_4");
  EXPECT_EQ(cache.NextToClose(), "p_2");
  cache.Clear();
  EXPECT_EQ(cache.to_close(), 0u);
  cache.Closed();
  cache.Closed();
  EXPECT_EQ(cache.to_close(), 0u);
}

TEST(StatementCache, KeepsNothingThatIsTooBigOrTooMuch) {
  StatementCache none("p_", 0);
  EXPECT_EQ(none.Add(Statement("select 1", nullptr, 0), 0), nullptr);
  StatementCache small("p_", 1);
  EXPECT_EQ(small.Add(Statement(std::string(StatementCache::kMaxSize + 1, 'x'), nullptr, 0), 0),
            nullptr);
  size_t kept = 0;
  for (int i = 0; i < 1000; i++)
    kept += small.Add(Statement("select " + std::to_string(i), nullptr, 0), 0) != nullptr;
  EXPECT_LT(kept, 30u) << "names that nobody closes are bounded";
}

TEST(StatementCache, KeepsNothingForEver) {
  StatementCache cache("p_", 4, 100);
  const Statement a("select 1", nullptr, 0);
  ASSERT_NE(cache.Add(a, 1000), nullptr);
  EXPECT_NE(cache.Find(a, 1099), nullptr);
  EXPECT_EQ(cache.Find(a, 1100), nullptr);
  EXPECT_EQ(cache.to_close(), 1u);
  EXPECT_EQ(cache.Add(a, 1100)->name, "p_2");
  EXPECT_NE(cache.Find(a, 1199), nullptr);
}

TEST(History, TrustsWhatHasBeenShort) {
  History history;
  EXPECT_FALSE(history.Touch(7));
  EXPECT_FALSE(history.IsShort(7));
  history.Record(7, 100'000, true);
  EXPECT_TRUE(history.Touch(7));
  EXPECT_FALSE(history.IsShort(7));
  history.Record(7, 100'000, true);
  EXPECT_TRUE(history.IsShort(7));
  history.Record(7, 20 * kMillisecond, true);
  EXPECT_TRUE(history.IsShort(7)) << "it may have waited for a processor";
  history.Record(7, 20 * kMillisecond, true);
  history.Record(7, 20 * kMillisecond, true);
  EXPECT_FALSE(history.IsShort(7));
  for (int i = 0; i < 40; i++) history.Record(7, 100'000, true);
  EXPECT_TRUE(history.IsShort(7)) << "forgives in time";
  history.Record(7, 100'000, false);
  EXPECT_FALSE(history.IsShort(7)) << "left something behind";
  history.Record(8, 0, true);
  history.Record(8, 0, true);
  EXPECT_LE(history.UsualTime(8), 1000);
  history.RecordStop(8, 30 * kMillisecond);
  EXPECT_FALSE(history.IsShort(8));
  EXPECT_EQ(history.UsualTime(8), 30 * kMillisecond + 1000) << "it takes at least so long";
  EXPECT_EQ(history.UsualTime(9), 0) << "never seen";
}

}  // namespace
}  // namespace creche::pg
