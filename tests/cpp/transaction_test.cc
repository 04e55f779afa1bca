// Transactions and connections of creche.hpp.
#include <stdexcept>

#include "cpp_test.h"
#include "servers.h"

using creche::connection;
using creche::nursery;
using creche::task;

namespace {

class Transaction : public Coroutines {
 protected:
  void SetUp() override {
    Coroutines::SetUp();
    creche::run([]() -> task<> {
      creche::pool db(dsn());
      co_await db.execute("drop table if exists kept");
      co_await db.execute("create table kept (id int primary key, n int)");
    });
  }
  static auto count(creche::pool& db) { return db.value<int>("select count(*) from kept"); }
};

task<> put(frame, connection& tx, int id) {
  co_await tx.execute("insert into kept values ($1, 0)", id);
}

TEST_F(Transaction, CommitsWhatReturns) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    const int n = co_await db.transaction([](connection& tx) -> task<int> {
      co_await put(frame(), tx, 1);
      co_await put(frame(), tx, 2);
      co_return co_await tx.value<int>("select count(*) from kept");
    });
    EXPECT_EQ(n, 2);
    EXPECT_EQ(co_await count(db), 2);
  });
}

TEST_F(Transaction, RollsBackWhatThrows) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    try {
      co_await db.transaction([](connection& tx) -> task<> {
        co_await put(frame(), tx, 1);
        throw std::logic_error("its own");
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const std::logic_error& e) {
      EXPECT_STREQ(e.what(), "its own");
    }
    try {
      co_await db.transaction([](connection& tx) -> task<> {
        co_await put(frame(), tx, 1);
        co_await put(frame(), tx, 1);
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_EQ(e.sqlstate(), "23505");
    }
    const auto r = co_await db.transaction([](connection& tx) -> task<creche::result<int>> {
      co_await put(frame(), tx, 1);
      co_return creche::error(-1005, "as a value");
    });
    EXPECT_EQ(r.error().status(), -1005);
    EXPECT_EQ(co_await count(db), 0);
  });
}

TEST_F(Transaction, ACancelledOneRollsBack) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    const bool whole = co_await creche::move_on(50ms, [&]() -> task<> {
      co_await db.transaction([](connection& tx) -> task<> {
        co_await put(frame(), tx, 1);
        co_await tx.execute("select pg_sleep(60)");
      });
    });
    EXPECT_FALSE(whole);
    EXPECT_EQ(co_await count(db), 0);
    const auto late =
        co_await creche::as_result(db.transaction({.timeout = 50ms}, [](connection& tx) -> task<> {
          co_await put(frame(), tx, 1);
          co_await creche::sleep(1h);
        }));
    EXPECT_TRUE(late.error().is_timeout());
    EXPECT_EQ(co_await count(db), 0);
  });
}

TEST_F(Transaction, OneThatCollidesRunsAgain) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    co_await db.execute("insert into kept values (1, 0)");
    int runs = 0;
    const auto add = [&](connection& tx) -> task<int> {
      runs++;
      const int n = co_await tx.value<int>("select n from kept where id = 1");
      if (runs == 1) co_await db.execute("update kept set n = n + 10 where id = 1");
      co_await tx.execute("update kept set n = $1 where id = 1", n + 1);
      co_return n + 1;
    };
    const int n =
        co_await db.transaction({.isolation = creche::isolation::serializable, .retries = 3}, add);
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(n, 11);
    EXPECT_EQ(co_await db.value<int>("select n from kept where id = 1"), 11);
  });
}

TEST_F(Transaction, ChildrenInItsBody) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    co_await db.transaction([](connection& tx) -> task<> {
      co_await creche::group([&](nursery& n) -> task<> {
        for (int i = 0; i < 10; i++) n.start_soon(put, frame(), std::ref(tx), i);
        co_return;
      });
    });
    EXPECT_EQ(co_await count(db), 10);
  });
}

TEST_F(Transaction, SavepointsOnAConnection) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    connection c = co_await db.acquire();
    co_await c.transaction([](connection& tx) -> task<> {
      co_await put(frame(), tx, 1);
      const auto inner = co_await creche::as_result(tx.transaction([](connection& save) -> task<> {
        co_await put(frame(), save, 2);
        co_await put(frame(), save, 2);
      }));
      EXPECT_EQ(inner.error().sqlstate(), "23505");
      co_await put(frame(), tx, 3);
    });
    EXPECT_EQ(co_await count(db), 2);
    co_await c.begin(
        {.isolation = creche::isolation::read_uncommitted, .flags = CRECHE_TRANSACTION_READ_WRITE});
    const auto other = co_await creche::as_result(c.begin({.flags = CRECHE_TRANSACTION_READ_ONLY}));
    EXPECT_EQ(other.error().status(), CRECHE_E_STATE);
    co_await put(frame(), c, 4);
    co_await c.rollback();
    EXPECT_EQ(co_await count(db), 2);
    co_await c.script("insert into kept values (5, 0); insert into kept values (6, 0)");
    EXPECT_EQ(co_await count(db), 4);
    auto rows = c.stream("select id from kept order by id");
    int n = 0;
    while (co_await rows.next()) n++;
    EXPECT_EQ(n, 4);
  });
}

TEST_F(Transaction, AConnectionIsGivenBack) {
  creche::run([]() -> task<> {
    creche::pool db(dsn(), {.max_size = 1});
    {
      const connection c = co_await db.acquire();
      const auto none = co_await db.acquire(20ms).as_result();
      EXPECT_TRUE(none.error().is_timeout());
      EXPECT_EQ(none.error().phase(), static_cast<uint32_t>(CRECHE_PHASE_POOL));
    }
    connection c = co_await db.acquire();
    c = connection();
    EXPECT_EQ(co_await db.value<int>("select 1"), 1);
  });
}

}  // namespace
