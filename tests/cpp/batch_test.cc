// Batches, many rows, cursors and exports of creche.hpp, against PostgreSQL.
#include "cpp_test.h"
#include "servers.h"

using creche::task;

namespace {

using PgMore = Coroutines;

TEST_F(PgMore, ABatchIsAllOrNothing) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    co_await db.execute("drop table if exists cpp_batch");
    co_await db.execute("create table cpp_batch (a int unique, b text)");
    creche::batch good;
    {
      const std::string text = "one that is gone when the batch runs, and too long to be inside";
      good.add("insert into cpp_batch values ($1, $2)", 1, text);
    }
    good.add("insert into cpp_batch values (2, $1)", std::optional<std::string>())
        .add("select b from cpp_batch order by a");
    EXPECT_EQ(good.size(), 3u);
    const auto all = co_await db.run(good);
    EXPECT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].affected(), 1);
    EXPECT_TRUE(all[2]);
    EXPECT_EQ(all[2].rows().size(), 2u);
    EXPECT_EQ(all[2].rows()[0].get<std::string>(0).substr(0, 8), "one that");
    EXPECT_TRUE(all[2].rows()[1].is_null(0));

    creche::batch bad;
    bad.add("insert into cpp_batch values (3, 'c')").add("insert into cpp_batch values (1, 'd')");
    const auto failed = co_await db.run(bad).as_result();
    EXPECT_EQ(failed.error().sqlstate(), "23505");
    EXPECT_EQ(co_await db.value<int>("select count(*)::int from cpp_batch"), 2);
  });
}

TEST_F(PgMore, ABatchOfSeparateStatements) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    creche::batch mixed;
    mixed.add("select 1").add("select 1/0").add("select $1::int", 3);
    const auto each = co_await db.run_separately(mixed);
    EXPECT_EQ(each.size(), 3u);
    EXPECT_TRUE(each[0]);
    EXPECT_EQ(each[1].state(), static_cast<uint32_t>(CRECHE_BATCH_FAILED));
    EXPECT_EQ(each[1].error().sqlstate(), "22012");
    EXPECT_TRUE(each[1].rows().empty());
    EXPECT_EQ(each[2].rows()[0].get<int>(0), 3);
    creche::batch single;
    single.add("select 4");
    const auto good = co_await db.run_separately(single);
    EXPECT_EQ(good[0].rows().one().get<int>(0), 4);
    // What keeps all of them from being run is thrown.
    creche::pool nowhere("postgresql://127.0.0.1:1/x");
    EXPECT_THROW(co_await nowhere.run_separately(mixed), creche::error);
  });
}

TEST_F(PgMore, OneStatementWithManyRows) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    co_await db.execute("drop table if exists cpp_many");
    co_await db.execute("create table cpp_many (a int primary key, b text)");
    std::vector<std::tuple<int, std::string>> rows;
    for (int i = 0; i < 1000; i++) rows.emplace_back(i, "row " + std::to_string(i));
    EXPECT_EQ(co_await db.execute_many("insert into cpp_many values ($1, $2)", rows), 1000);
    EXPECT_EQ(co_await db.value<int>("select sum(a)::int from cpp_many where b like 'row %'"),
              999 * 1000 / 2);
    const std::vector<std::pair<int, const char*>> again = {{1000, "new"}, {7, "there already"}};
    const auto failed =
        co_await db.execute_many("insert into cpp_many values ($1, $2)", again).as_result();
    EXPECT_EQ(failed.error().sqlstate(), "23505");
    EXPECT_EQ(co_await db.value<int>("select count(*)::int from cpp_many"), 1000);
    const std::vector<std::tuple<int, std::string>> none;
    EXPECT_EQ(co_await db.execute_many("insert into cpp_many values ($1, $2)", none), 0);
    auto one = co_await db.acquire();
    const std::vector<std::array<int, 1>> gone = {{1}, {2}};
    EXPECT_EQ(co_await one.execute_many("delete from cpp_many where a = $1", gone), 2);
  });
}

TEST_F(PgMore, ACursorGivesItsRowsInPieces) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    co_await db.transaction([](creche::connection& tx) -> task<> {
      auto numbers =
          co_await tx.open_cursor("numbers", "select * from generate_series(1, $1) i", 10);
      EXPECT_EQ(numbers.name(), "numbers");
      const auto first = co_await numbers.fetch(4);
      EXPECT_EQ(first.size(), 4u);
      EXPECT_EQ(first[3].get<int>("i"), 4);
      EXPECT_EQ(co_await numbers.move(3), 3u);
      const auto rest = co_await numbers.fetch(CRECHE_CURSOR_ALL);
      EXPECT_EQ(rest.size(), 3u);
      EXPECT_EQ(rest[0].get<int>(0), 8);
      EXPECT_TRUE((co_await numbers.fetch(1)).empty());
      co_await numbers.close();
      auto both = co_await tx.open_cursor(CRECHE_CURSOR_SCROLL, "both", "values (1), (2)");
      EXPECT_EQ(co_await both.move(2), 2u);
      EXPECT_EQ((co_await both.fetch(-1)).one().get<int>(0), 1);
    });
    auto outside = co_await db.acquire();
    const auto refused = co_await outside.open_cursor("c", "select 1").as_result();
    EXPECT_EQ(refused.error().sqlstate(), "25P01");
  });
}

TEST_F(PgMore, RowsAsJsonCsvAndArrow) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    const auto rows = co_await db.query("select 1 as a, 'x,y' as b union all select 2, null");
    EXPECT_EQ(creche::to_json(rows), "[{\"a\":1,\"b\":\"x,y\"},\n{\"a\":2,\"b\":null}]\n");
    EXPECT_EQ(creche::to_csv(rows, CRECHE_CSV_HEADER), "a,b\n1,\"x,y\"\n2,\n");
    EXPECT_EQ(creche::to_csv(rows, 0, ';'), "1;x,y\n2;\n");
    EXPECT_THROW(creche::to_csv(rows, 0, '"'), creche::error);

    creche::arrow_batch batch(rows);
    EXPECT_EQ(batch.array().length, 2);
    EXPECT_EQ(batch.schema().n_children, 2);
    EXPECT_STREQ(batch.schema().children[0]->format, "i");
    EXPECT_EQ(static_cast<const int*>(batch.array().children[0]->buffers[1])[1], 2);
    EXPECT_EQ(batch.array().children[1]->null_count, 1);
    creche::arrow_batch moved = std::move(batch);
    EXPECT_EQ(moved.array().length, 2);
    ArrowArray mine = moved.take_array();
    EXPECT_EQ(moved.array().release, nullptr);
    mine.release(&mine);
    EXPECT_THROW(creche::arrow_batch(rows, 1u << 31), creche::error);
  });
}

}  // namespace
