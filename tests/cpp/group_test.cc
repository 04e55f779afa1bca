// Groups of creche.hpp: who ends when, what becomes of failures, and that nobody outlives them.
#include <stdexcept>

#include "cpp_test.h"

using creche::nursery;
using creche::task;

namespace {

using Group = Coroutines;

task<> note(frame, std::string& order, char what, creche::duration after) {
  co_await creche::sleep(after);
  order += what;
}

task<> fail(frame, creche::duration after) {
  co_await creche::sleep(after);
  throw std::runtime_error("it has failed");
}

// Notes how it ended.
task<> wait_for_ever(frame, std::string& order) {
  try {
    co_await creche::sleep_until(creche::never);
  } catch (const creche::cancelled& c) {
    order += c.why().reason() == CRECHE_REASON_SIBLING    ? 's'
             : c.why().reason() == CRECHE_REASON_DEADLINE ? 'd'
             : c.why().reason() == CRECHE_REASON_SHUTDOWN ? 'l'
                                                          : 'x';
    throw;
  }
}

TEST_F(Group, EndsAfterItsChildren) {
  std::string order;
  in_virtual_time([&]() -> task<> {
    const creche::outcome o = co_await creche::group([&](nursery& n) -> task<> {
      n.start_soon(note(frame(), order, 'b', 2s));
      n.start_soon([&]() -> task<> { co_await note(frame(), order, 'a', 1s); });
      n.start_soon(note, frame(), std::ref(order), 'c', 3s);
      order += '0';
      co_return;
    });
    EXPECT_FALSE(o.caught);
    order += '1';
  });
  EXPECT_EQ(order, "0abc1");
}

TEST_F(Group, ABodyThatOnlyStartsChildrenNeedBeNoCoroutine) {
  in_virtual_time([]() -> task<> {
    int ended = 0;
    co_await creche::group([&](nursery& n) {
      for (int i = 0; i < 3; i++)
        n.start_soon([&]() -> task<> {
          co_await creche::sleep(1s);
          ended++;
        });
    });
    EXPECT_EQ(ended, 3);
    const auto throws = [](nursery& n) {
      n.start_soon([]() -> task<> { co_await creche::sleep(1h); });
      throw std::runtime_error("no more");
    };
    try {
      co_await creche::group({.bare = true}, throws);
      ADD_FAILURE();
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "no more");
    }
  });
}

TEST_F(Group, AFailureCancelsTheSiblings) {
  std::string order;
  in_virtual_time([&]() -> task<> {
    try {
      co_await creche::group([&](nursery& n) -> task<> {
        n.start_soon(wait_for_ever(frame(), order));
        n.start_soon(fail(frame(), 1s));
        co_await creche::sleep(1h);
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_EQ(e.status(), CRECHE_E_GROUP);
      EXPECT_EQ(e.children().size(), 1u);
      EXPECT_THROW(e.rethrow(), std::runtime_error);
      EXPECT_STREQ(e.children()[0].what(), "it has failed");
    }
    EXPECT_EQ(creche::now(), 1s);
  });
  EXPECT_EQ(order, "s");
}

TEST_F(Group, SeveralFailuresAreATree) {
  in_virtual_time([&]() -> task<> {
    try {
      co_await creche::group([&](nursery& n) -> task<> {
        n.start_soon([&]() -> task<> {
          co_await creche::group([&](nursery& inner) -> task<> {
            inner.start_soon(fail(frame(), 1s));
            inner.start_soon(fail(frame(), 1s));
            co_return;
          });
        });
        n.start_soon([]() -> task<> {
          co_await creche::sleep(1s);
          throw creche::error(-2000, "of its own");
        });
        co_return;
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_EQ(e.leaves().size(), 3u);
      int statuses = 0, exceptions = 0;
      for (const creche::error& leaf : e.leaves()) {
        statuses += leaf.status() == -2000;
        exceptions += leaf.exception() != nullptr;
      }
      EXPECT_EQ(statuses, 1);
      EXPECT_EQ(exceptions, 2);
      EXPECT_THROW(e.rethrow(), creche::error);  // there is no single one
    }
  });
}

TEST_F(Group, ASingleFailureBareIfAskedFor) {
  in_virtual_time([&]() -> task<> {
    try {
      co_await creche::group({.bare = true}, [&](nursery& n) -> task<> {
        n.start_soon(fail(frame(), 1s));
        co_return;
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "it has failed");
    }
  });
}

TEST_F(Group, ItsBodysFailureIsItsOwn) {
  std::string order;
  in_virtual_time([&]() -> task<> {
    try {
      co_await creche::group([&](nursery& n) -> task<> {
        n.start_soon(wait_for_ever(frame(), order));
        co_await creche::sleep(1s);
        throw std::logic_error("the body");
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_THROW(e.rethrow(), std::logic_error);
    }
  });
  EXPECT_EQ(order, "s");
}

TEST_F(Group, ATimeoutIsAFailure) {
  std::string order;
  in_virtual_time([&]() -> task<> {
    try {
      co_await creche::group({.timeout = 2s}, [&](nursery& n) -> task<> {
        n.start_soon(wait_for_ever(frame(), order));
        co_return;
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_TRUE(e.is_timeout());
    }
    EXPECT_EQ(creche::now(), 2s);
    const creche::outcome o = co_await creche::group(
        {.timeout = 2s, .on_timeout = creche::on_timeout::move_on}, [&](nursery& n) -> task<> {
          n.start_soon(wait_for_ever(frame(), order));
          co_return;
        });
    EXPECT_TRUE(o.caught);
  });
  EXPECT_EQ(order, "dd");
}

TEST_F(Group, CancellingItIsCaughtByIt) {
  std::string order;
  in_virtual_time([&]() -> task<> {
    const creche::outcome o = co_await creche::group([&](nursery& n) -> task<> {
      n.start_soon(wait_for_ever(frame(), order));
      n.start_soon([&]() -> task<> {
        co_await creche::sleep(1s);
        n.cancel("enough");
      });
      co_await creche::sleep_until(creche::never);
    });
    EXPECT_TRUE(o.caught);
    co_await creche::sleep(1s);  // and nothing of it is left
  });
  EXPECT_EQ(order, "x");
}

TEST_F(Group, ACancellationFromFurtherOutPasses) {
  std::string order;
  in_virtual_time([&]() -> task<> {
    co_await creche::group([&](nursery& outer) -> task<> {
      outer.start_soon([&]() -> task<> {
        co_await creche::group([&](nursery& n) -> task<> {
          n.start_soon(wait_for_ever(frame(), order));
          co_return;
        });
        ADD_FAILURE() << "it did not throw";
      });
      co_await creche::sleep(1s);
      outer.cancel();
    });
  });
  EXPECT_EQ(order, "x");
}

TEST_F(Group, ItsLimitIsKept) {
  int at_a_time = 0, most = 0, done = 0;
  in_virtual_time([&]() -> task<> {
    co_await creche::group({.limit = 3}, [&](nursery& n) -> task<> {
      for (int i = 0; i < 10; i++)
        n.start_soon([&]() -> task<> {
          most = std::max(most, ++at_a_time);
          co_await creche::sleep(1s);
          at_a_time--;
          done++;
        });
      co_return;
    });
    EXPECT_EQ(creche::now(), 4s);
  });
  EXPECT_EQ(most, 3);
  EXPECT_EQ(done, 10);
}

TEST_F(Group, ARaceIsWonByTheFirst) {
  std::string order;
  in_virtual_time([&]() -> task<> {
    co_await creche::group({.policy = creche::policy::race}, [&](nursery& n) -> task<> {
      n.start_soon(fail(frame(), 1s));
      n.start_soon(note(frame(), order, 'a', 2s));
      n.start_soon(note(frame(), order, 'b', 3s));
      co_return;
    });
    EXPECT_EQ(creche::now(), 2s);
  });
  EXPECT_EQ(order, "a");
}

TEST_F(Group, AChildMayStartOthers) {
  int count = 0;
  in_virtual_time([&]() -> task<> {
    co_await creche::group([&](nursery& n) -> task<> {
      struct grow {
        static task<> run(frame, nursery& n, int& count, int depth) {
          count++;
          co_await creche::sleep(1s);
          if (depth > 0)
            for (int i = 0; i < 2; i++)
              n.start_soon(run, frame(), std::ref(n), std::ref(count), depth - 1);
        }
      };
      n.start_soon(grow::run, frame(), std::ref(n), std::ref(count), 5);
      co_return;
    });
  });
  EXPECT_EQ(count, 63);
}

TEST_F(Group, AResultThatFailsIsAFailure) {
  in_virtual_time([&]() -> task<> {
    try {
      co_await creche::group([&](nursery& n) -> task<> {
        n.start_soon(
            []() -> task<creche::result<int>> { co_return creche::error(-1001, "as a value"); });
        co_return;
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_EQ(e.leaves().at(0).status(), -1001);
    }
  });
}

TEST_F(Group, AStatusThatIsNoneIsAFailureAllTheSame) {
  in_virtual_time([&]() -> task<> {
    try {
      co_await creche::group({.policy = creche::policy::fail_fast}, [&](nursery& n) -> task<> {
        n.start_soon([]() -> task<> { throw creche::error(5); });
        n.start_soon([]() -> task<> { throw creche::error(); });
        n.start_soon([]() -> task<creche::result<int>> { co_return creche::error(); });
        co_return;
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      for (const creche::error& leaf : e.leaves()) EXPECT_EQ(leaf.status(), CRECHE_E_USER);
      EXPECT_EQ(e.leaves().size(), 3u);
    }
  });
}

TEST_F(Group, WhatIsNoCoroutineMayThrow) {
  in_virtual_time([&]() -> task<> {
    try {
      co_await creche::group([&](nursery& n) -> task<> {
        n.start_soon([]() -> task<> { throw std::logic_error("at once"); });
        co_return;
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_THROW(e.rethrow(), std::logic_error);
    }
  });
}

TEST_F(Group, DeepChainsNeedNoStack) {
  struct chain {
    static task<int> down(frame, int depth) {
      if (depth == 0) co_return 0;
      co_return 1 + co_await down(frame(), depth - 1);
    }
  };
  const int depth = 100000;
  EXPECT_EQ(in_virtual_time([&]() -> task<int> { co_return co_await chain::down(frame(), depth); }),
            depth);
  int sum = 0;  // and neither do many that end at once
  in_virtual_time([&]() -> task<> {
    for (int i = 0; i < depth; i++) sum += co_await chain::down(frame(), 0);
  });
  EXPECT_EQ(sum, 0);
}

TEST_F(Group, ClosingTheLoopEndsAll) {
  std::string order;
  creche::loop loop({.on_caller = true, .virtual_clock = true});
  try {
    creche::run(loop, [&]() -> task<> {
      co_await creche::group([&](nursery& n) -> task<> {
        n.start_soon(wait_for_ever(frame(), order));
        co_await creche::sleep(1s);
        loop.close();
        co_await creche::sleep(1s);
      });
    });
    ADD_FAILURE() << "it did not throw";
  } catch (const creche::error& e) {
    EXPECT_TRUE(e.is_cancelled());
    EXPECT_EQ(e.reason(), static_cast<uint32_t>(CRECHE_REASON_SHUTDOWN));
  }
  EXPECT_EQ(order, "l");
}

TEST_F(Group, WhatIsStartedInACancelledOneStillRuns) {
  std::string order;
  in_virtual_time([&]() -> task<> {
    co_await creche::group([&](nursery& n) -> task<> {
      n.cancel();
      n.start_soon(
          [&](frame) -> task<> {
            order += 'a';
            EXPECT_THROW(co_await creche::sleep(1s), creche::cancelled);
            EXPECT_THROW(co_await creche::sleep(1s),
                         creche::cancelled);  // it is a level, not an edge
            order += 'b';
          },
          frame());
      co_return;
    });
    EXPECT_EQ(creche::now(), 0s);
  });
  EXPECT_EQ(order, "ab");
}

// ---- run ----

TEST_F(Group, RunGivesValuesAndExceptions) {
  EXPECT_EQ(creche::run([]() -> task<std::string> { co_return "value"; }), "value");
  EXPECT_THROW(creche::run([]() -> task<> { throw std::logic_error("own"); }), std::logic_error);
  EXPECT_THROW(creche::run(fail(frame(), 0s)), std::runtime_error);
}

TEST_F(Group, RunOnALoopWithAThread) {
  creche::loop loop;
  EXPECT_EQ(creche::run(loop,
                        []() -> task<int> {
                          co_await creche::yield();
                          co_return 7;
                        }),
            7);
}

TEST_F(Group, RunInsideOfACoroutineIsRefused) {
  creche::loop loop;
  creche::run(loop, [&]() -> task<> {
    try {
      creche::run(loop, []() -> task<> { co_return; });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_EQ(e.status(), CRECHE_E_WOULD_DEADLOCK);
    }
    co_return;
  });
}

TEST_F(Group, WhatIsNeverAwaitedNeverStarts) {
  bool started = false;
  struct one {
    static task<> body(frame, bool& started) {
      started = true;
      co_return;
    }
  };
  {
    const task<> t = one::body(frame(), started);
    EXPECT_EQ(frame::live, 1);
  }
  EXPECT_FALSE(started);
}

}  // namespace
