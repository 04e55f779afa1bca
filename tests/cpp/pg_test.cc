// Pools of creche.hpp, against PostgreSQL.
#include "cpp_test.h"
#include "servers.h"

using creche::nursery;
using creche::task;

namespace {

using Pg = Coroutines;
using bytes = std::vector<std::byte>;

TEST_F(Pg, ParametersAndCellsOfAllKinds) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    const bytes blob = {std::byte{0}, std::byte{255}, std::byte{7}};
    using point = std::chrono::sys_time<std::chrono::microseconds>;
    const point time(1234567890123456us);
    const std::string text = "some text";
    auto all = co_await db.query(
        "select $1::int2, $2::int4, $3::int8, $4::float8, $5::bool, $6::text, $7::bytea, "
        "$8::timestamptz, $9::int4, $10::text as named, $11::numeric",
        static_cast<short>(-2), 42, 1LL << 40, 1.5, true, text, blob, time, std::optional<int>(),
        std::optional<std::string>("there"), UINT64_MAX);
    EXPECT_EQ(all.size(), 1u);
    const creche::row row = all.one();
    EXPECT_EQ(row.get<short>(0), -2);
    EXPECT_EQ(row.get<int>(1), 42);
    EXPECT_EQ(row.get<std::int64_t>(2), 1LL << 40);
    EXPECT_EQ(row.get<double>(3), 1.5);
    EXPECT_TRUE(row.get<bool>(4));
    EXPECT_EQ(row.get<std::string>(5), text);
    EXPECT_EQ(row.get<std::string_view>(5), text);
    EXPECT_EQ(row.get<bytes>(6), blob);
    EXPECT_EQ(row.get<point>(7), time);
    EXPECT_FALSE(row.get<std::optional<int>>(8));
    EXPECT_TRUE(row.is_null(8));
    EXPECT_EQ(row.get<std::optional<std::string>>("named"), "there");
    EXPECT_EQ(row.text(10), "18446744073709551615");
    EXPECT_EQ((row.as<int, int, long>()), (std::tuple(-2, 42, 1L << 40)));
    EXPECT_EQ(row.try_get<int>(8).error().status(), CRECHE_E_NULL);
    EXPECT_EQ(row.try_get<int>(5).error().status(), CRECHE_E_TYPE);
    EXPECT_EQ(row.try_get<unsigned char>(0).error().status(), CRECHE_E_LIMIT);
    EXPECT_EQ(row.try_get<int>(2).error().status(), CRECHE_E_LIMIT);
    EXPECT_EQ(row.try_get<int>("nobody").error().status(), CRECHE_E_INVALID);
    EXPECT_THROW(row.get<int>(8), creche::error);
  });
}

TEST_F(Pg, VectorsAreArrays) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    const std::vector<int> numbers = {1, -2, 3};
    const std::vector<double> reals = {0.1, 1e300};
    const std::vector<bool> bools = {true, false};
    const std::vector<std::string> texts = {"a", "", "NULL", "q\"uo\\te", "{b,c}", " d "};
    const std::vector<std::optional<int>> some = {1, std::nullopt};
    const std::vector<int> none;
    const auto all = co_await db.query(
        "select (select sum(i) from unnest($1::int[]) i), $2::float8[] = array[0.1, "
        "1e300]::float8[], "
        "$3::bool[] = array[true, false], "
        "$4::text[] = array['a', '', 'NULL', 'q\"uo\\te', '{b,c}', ' d '], "
        "$5::int[] is not distinct from array[1, null], cardinality($6::int[]), 3 = any($1)",
        numbers, reals, bools, texts, some, none);
    const creche::row row = all.one();
    EXPECT_EQ(row.get<int>(0), 2);
    for (const int column : {1, 2, 3, 4, 6}) EXPECT_TRUE(row.get<bool>(column)) << column;
    EXPECT_EQ(row.get<int>(5), 0);
  });
}

TEST_F(Pg, FailuresSayWhatTheServerSaid) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    auto bad = co_await db.try_query("select 1/$1::int", 0);
    EXPECT_EQ(bad.error().status(), CRECHE_E_PG);
    EXPECT_EQ(bad.error().sqlstate(), "22012");
    EXPECT_THROW(co_await db.query("selec"), creche::error);
    EXPECT_EQ(co_await db.value<int>("select 41 + $1", 1), 42);
    EXPECT_EQ((co_await db.try_execute("select from generate_series(1, 3)")).value(), 3);
    auto late = co_await db.try_query({.timeout = 20ms}, "select pg_sleep(60)");
    EXPECT_TRUE(late.error().is_timeout());
    co_await db.close();
  });
}

TEST_F(Pg, CrawlsAsTheManualShows) {
  creche::run([]() -> task<> {
    creche::session web;
    creche::pool db(dsn());
    co_await db.execute("create table if not exists crawled (url text, status int)");
    std::vector<std::string> urls;
    for (int i = 0; i < 20; i++) urls.push_back(http(i % 2 ? "/small" : "/missing"));
    co_await creche::group({.limit = 5, .timeout = 60s}, [&](nursery& n) -> task<> {
      for (const auto& url : urls)
        n.start_soon([&]() -> task<> {
          auto page = co_await web.fetch(url);
          co_await db.execute("insert into crawled values ($1, $2)", url, page.status());
        });
      co_return;
    });
    int good = 0;
    auto rows = co_await db.query("select url, status from crawled");
    for (const creche::row row : rows) good += row.get<int>(1) == 200;
    EXPECT_EQ(rows.size(), 20u);
    EXPECT_EQ(good, 10);
  });
}

TEST_F(Pg, ACancelledQueryIsCancelledOnTheServer) {
  creche::run([]() -> task<> {
    creche::pool db(dsn(), {.max_size = 1});
    const creche::outcome o = co_await creche::group([&](nursery& n) -> task<> {
      n.start_soon([&](frame) -> task<> { co_await db.execute("select pg_sleep(60)"); }, frame());
      while (db.counters().statements == 0) co_await creche::sleep(1ms);
      n.cancel();
    });
    EXPECT_TRUE(o.caught);
    EXPECT_EQ(co_await db.value<int>("select 1"), 1);  // on the same connection
    EXPECT_EQ(db.counters().connects, 1u);
  });
}

}  // namespace
