// Cancellation at each await of creche.hpp: whatever a coroutine waits for, it is cut, unwinds, and
// frees its frames; what it used goes on being good.
#include <functional>

#include "cpp_test.h"
#include "servers.h"

using creche::nursery;
using creche::task;

namespace {

struct world {
  creche::session web;
  creche::pool db{dsn(), {.max_size = 2}};
};

struct wait {
  const char* name;
  std::function<task<>(world&)> body;
};

task<> nested(frame, int depth) {
  if (depth == 0)
    co_await creche::sleep_until(creche::never);
  else
    co_await nested(frame(), depth - 1);
}

const std::vector<wait> kWaits = {
    {"sleep", [](world&) -> task<> { co_await creche::sleep(1h); }},
    {"nested", [](world&) -> task<> { co_await nested(frame(), 20); }},
    {"query", [](world& w) -> task<> { co_await w.db.query("select pg_sleep(60)"); }},
    {"execute", [](world& w) -> task<> { co_await w.db.execute("select pg_sleep(60)"); }},
    {"stream",
     [](world& w) -> task<> {
       auto rows = w.db.stream("select pg_sleep(60)");
       co_await rows.next();
     }},
    {"stream in a section",
     [](world& w) -> task<> {
       auto rows = w.db.stream("select pg_sleep(60)");
       co_await creche::deadline(1h, rows.next());
     }},
    {"transaction",
     [](world& w) -> task<> {
       co_await w.db.transaction(
           [](creche::connection& tx) -> task<> { co_await tx.query("select pg_sleep(60)"); });
     }},
    {"acquire",
     [](world& w) -> task<> {
       auto a = co_await w.db.acquire();
       auto b = co_await w.db.acquire();
       co_await w.db.acquire();
     }},
    {"fetch", [](world& w) -> task<> { co_await w.web.fetch(http("/small")); }},
    {"send", [](world& w) -> task<> { co_await w.web.send(http("/small")); }},
    {"group",
     [](world&) -> task<> {
       co_await creche::group([](nursery& n) -> task<> {
         for (int i = 0; i < 5; i++) n.start_soon(nested(frame(), i));
         co_return;
       });
     }},
    {"body of a group",
     [](world&) -> task<> {
       co_await creche::group([](nursery&) -> task<> { co_await nested(frame(), 3); });
     }},
    {"limit",
     [](world&) -> task<> {
       co_await creche::group({.limit = 1}, [](nursery& n) -> task<> {
         for (int i = 0; i < 5; i++) n.start_soon(nested(frame(), i));
         co_return;
       });
     }},
    {"section",
     [](world&) -> task<> {
       co_await creche::deadline(1h, []() -> task<> {
         co_await creche::move_on(2h, creche::sleep_until(creche::never));
       });
     }},
};

using Cancel = Coroutines;

TEST_F(Cancel, AtEachAwait) {
  support_nginx_freeze(nginx());  // it accepts, and does not answer
  for (const wait& w : kWaits) {
    SCOPED_TRACE(w.name);
    creche::run([&]() -> task<> {
      world here;
      bool unwound = false;
      const creche::outcome o = co_await creche::group([&](nursery& n) -> task<> {
        n.start_soon(
            [&](frame) -> task<> {
              try {
                co_await w.body(here);
                ADD_FAILURE() << "it was not cancelled";
              } catch (const creche::cancelled& c) {
                unwound =
                    c.why().reason() == CRECHE_REASON_EXPLICIT && c.why().reason_text() == "stop";
                throw;
              }
            },
            frame());
        co_await creche::sleep(30ms);
        n.cancel("stop");
      });
      EXPECT_TRUE(unwound);
      EXPECT_TRUE(o.caught);
      EXPECT_EQ(frame::live, 0);
      EXPECT_EQ(co_await here.db.value<int>("select 1"), 1);
      const auto all = here.db.counters();
      EXPECT_EQ(all.leased + all.waiting, 0u);
      EXPECT_EQ(all.dropped, 0u);
    });
  }
  support_nginx_thaw(nginx());
}

TEST_F(Cancel, BornCancelled) {
  for (const wait& w : kWaits) {
    SCOPED_TRACE(w.name);
    creche::run([&]() -> task<> {
      world here;
      const creche::outcome o =
          co_await creche::scope({}, [&](creche::scope_handle scope) -> task<> {
            scope.cancel();
            co_await w.body(here);
            ADD_FAILURE() << "it was not cancelled";
          });
      EXPECT_TRUE(o.caught);
      EXPECT_EQ(frame::live, 0);
    });
  }
}

TEST_F(Cancel, TheLoopIsClosed) {
  support_nginx_freeze(nginx());
  for (const wait& w : kWaits) {
    SCOPED_TRACE(w.name);
    creche::loop loop;
    bool unwound = false;
    EXPECT_THROW(creche::run(loop,
                             [&](frame = {}) -> task<> {
                               world here;
                               co_await creche::group([&](nursery& n) -> task<> {
                                 n.start_soon(
                                     [&](frame) -> task<> {
                                       try {
                                         co_await w.body(here);
                                       } catch (...) {
                                         unwound = true;
                                         throw;
                                       }
                                     },
                                     frame());
                                 co_await creche::sleep(10ms);
                                 loop.close();
                               });
                             }),
                 creche::error);
    EXPECT_TRUE(unwound);
    EXPECT_EQ(frame::live, 0);
  }
  support_nginx_thaw(nginx());
}

}  // namespace
