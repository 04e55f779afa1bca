// Streams of creche.hpp: back-pressure, giving up, and scopes around them.
#include "cpp_test.h"
#include "servers.h"

using creche::nursery;
using creche::task;

namespace {

using Stream = Coroutines;

TEST_F(Stream, GivesAllRowsInOrder) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    int n = 0;
    auto rows =
        db.stream({.block_rows = 100}, "select i, 'x' || i from generate_series(0, $1) i", 9999);
    while (auto row = co_await rows.next()) {
      EXPECT_EQ(row->get<int>(0), n);
      EXPECT_EQ(row->get<std::string_view>(1), "x" + std::to_string(n));
      n++;
    }
    EXPECT_EQ(n, 10000);
    EXPECT_FALSE(co_await rows.next());  // and again
  });
}

TEST_F(Stream, NotReadingHoldsTheServerBack) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    co_await db.execute("create sequence if not exists held_back");
    auto rows = db.stream({.block_rows = 10, .blocks = 2},
                          "select nextval('held_back'), repeat('x', 10000) "
                          "from generate_series(1, 1000000)");
    EXPECT_TRUE(co_await rows.next());
    int64_t before = -1, now = -2;  // until the server goes on no more
    while (before != now) {
      before = now;
      co_await creche::sleep(50ms);
      now = co_await db.value<int64_t>("select last_value from held_back");
    }
    EXPECT_LT(now, 100000);
  });
}

TEST_F(Stream, GivenUpItFreesItsConnection) {
  creche::run([]() -> task<> {
    creche::pool db(dsn(), {.max_size = 1});
    for (int i = 0; i < 3; i++) {
      auto rows = db.stream("select generate_series(1, 10000000)");
      EXPECT_TRUE(co_await rows.next());
    }
    EXPECT_EQ(co_await db.value<int>("select 1"), 1);
    EXPECT_EQ(db.counters().connects, 1u);
  });
}

TEST_F(Stream, WhatCameBeforeAFailureIsThere) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    int n = 0;
    auto rows = db.stream("select 1/(5 - i) from generate_series(1, 10) i");
    try {
      while (co_await rows.next()) n++;
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_EQ(e.sqlstate(), "22012");
    }
    EXPECT_EQ(n, 4);
    auto wrong = db.stream("selec");
    const auto first = co_await wrong.try_next();
    EXPECT_EQ(first.error().sqlstate(), "42601");
  });
}

TEST_F(Stream, OneThatIsWaitedForInANarrowerScope) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    // The second row pushes the first one out of the server's buffer; the third never comes.
    auto rows = db.stream({.block_rows = 1},
                          "select repeat('x', 100000), pg_sleep(case i when 3 then 600 else 0 end) "
                          "from generate_series(1, 3) i");
    EXPECT_TRUE(co_await creche::deadline(60s, rows.next()));
    EXPECT_FALSE(co_await creche::move_on(20ms, [&]() -> task<> {
      while (co_await rows.next()) continue;
    }));  // the wait was cut, not the stream
    try {
      co_await creche::deadline(20ms, [&]() -> task<> { co_await rows.next(); });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_TRUE(e.is_timeout());
    }
  });
}

TEST_F(Stream, ItEndsWithItsScope) {
  creche::run([]() -> task<> {
    creche::pool db(dsn(), {.max_size = 1});
    std::optional<creche::row_stream> rows;
    co_await creche::shield([&]() -> task<> {
      rows.emplace(db.stream("select generate_series(1, 10000000)"));
      EXPECT_TRUE(co_await rows->next());
    });
    EXPECT_EQ(co_await db.value<int>("select 1"), 1);  // the only connection is free
    try {
      while (co_await rows->next()) continue;
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_EQ(e.status(), CRECHE_E_CLOSED);
    }
  });
}

TEST_F(Stream, ItIsCancelledWithItsScope) {
  creche::run([]() -> task<> {
    creche::pool db(dsn(), {.max_size = 1});
    int n = 0;
    const bool whole = co_await creche::move_on(50ms, [&]() -> task<> {
      auto rows = db.stream("select i, pg_sleep(0.001) from generate_series(1, 10000000) i");
      while (co_await rows.next()) n++;
    });
    EXPECT_FALSE(whole);
    EXPECT_EQ(co_await db.value<int>("select 1"), 1);
  });
}

TEST_F(Stream, ChildrenMayReadOneStreamInTurns) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    auto rows = db.stream({.block_rows = 7}, "select i from generate_series(1, 1000) i");
    int64_t sum = 0;
    for (int turn = 0; turn < 2; turn++)
      co_await creche::group([&](nursery& n) -> task<> {
        n.start_soon(
            [&](frame) -> task<> {
              for (int i = 0; i < 500; i++) sum += (co_await rows.next())->get<int>(0);
            },
            frame());
        co_return;
      });
    EXPECT_EQ(sum, 500500);
    EXPECT_FALSE(co_await rows.next());
  });
}

TEST_F(Stream, OutsideOfACoroutineItIsNone) {
  creche::loop loop;
  creche::pool db(loop, dsn());
  auto rows = db.stream("select 1");
  const auto first = creche::run(loop, [&]() -> task<creche::result<std::optional<creche::row>>> {
    co_return co_await rows.try_next();
  });
  EXPECT_EQ(first.error().status(), CRECHE_E_STATE);
}

}  // namespace
