// Scopes of creche.hpp: deadlines, shields, who catches what.
#include <stdexcept>

#include "cpp_test.h"

using creche::nursery;
using creche::task;

namespace {

using Scope = Coroutines;

TEST_F(Scope, ADeadlineThrowsOutsideAndCancelsInside) {
  bool unwound = false;
  in_virtual_time([&]() -> task<> {
    try {
      co_await creche::deadline(2s, [&]() -> task<> {
        try {
          co_await creche::sleep(1h);
        } catch (const creche::cancelled& c) {
          unwound = c.why().reason() == CRECHE_REASON_DEADLINE;
          throw;
        }
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_TRUE(e.is_timeout());
    }
    EXPECT_EQ(creche::now(), 2s);
    co_await creche::sleep(1s);  // the scope is left
    EXPECT_EQ(co_await creche::deadline(2s, []() -> task<int> { co_return 5; }), 5);
  });
  EXPECT_TRUE(unwound);
}

TEST_F(Scope, ATimeoutThatNobodyHandlesIsTheTasksFailure) {
  in_virtual_time([]() -> task<> {
    try {
      co_await creche::group([](nursery& n) -> task<> {
        n.start_soon([](frame) -> task<> { co_await creche::deadline(1s, creche::sleep(1h)); },
                     frame());
        co_return;
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_EQ(e.status(), CRECHE_E_GROUP);
      EXPECT_TRUE(e.leaves().at(0).is_timeout());
    }
  });
}

TEST_F(Scope, MoveOnGivesWhatThereIs) {
  in_virtual_time([]() -> task<> {
    EXPECT_TRUE(co_await creche::move_on(2s, creche::sleep(1s)));
    EXPECT_FALSE(co_await creche::move_on(2s, creche::sleep(1h)));
    const auto value = co_await creche::move_on(2s, []() -> task<int> { co_return 7; });
    EXPECT_EQ(value, 7);
    const auto none = co_await creche::move_on(2s, []() -> task<int> {
      co_await creche::sleep(1h);
      co_return 7;
    });
    EXPECT_FALSE(none);
  });
}

TEST_F(Scope, FailuresPass) {
  in_virtual_time([]() -> task<> {
    EXPECT_THROW(co_await creche::move_on(2s, []() -> task<> { throw std::logic_error("own"); }),
                 std::logic_error);
    try {
      co_await creche::deadline(1s, []() -> task<> {
        try {
          co_await creche::sleep(1h);
        } catch (const creche::cancelled&) {
        }
        throw std::logic_error("in place of it");
      });
    } catch (const std::logic_error&) {
      co_return;
    }
    ADD_FAILURE() << "it did not throw";
  });
}

TEST_F(Scope, TheOuterOfTwoCatches) {
  std::string order;
  in_virtual_time([&]() -> task<> {
    const bool outer = co_await creche::move_on(1s, [&]() -> task<> {
      co_await creche::move_on(1s, creche::sleep(1h));
      order += "not here";
    });
    EXPECT_FALSE(outer);
    const bool later = co_await creche::move_on(5s, [&]() -> task<> {
      EXPECT_FALSE(co_await creche::move_on(1s, creche::sleep(1h)));
      order += 'i';
    });
    EXPECT_TRUE(later);
  });
  EXPECT_EQ(order, "i");
}

TEST_F(Scope, AShieldLetsCleaningUpGoOn) {
  std::string order;
  in_virtual_time([&]() -> task<> {
    co_await creche::group([&](nursery& n) -> task<> {
      n.start_soon(
          [&](frame) -> task<> {
            try {
              co_await creche::sleep(1h);
            } catch (const creche::cancelled&) {
              order += 'c';
            }
            co_await creche::shield([&]() -> task<> {
              co_await creche::sleep(5s);
              order += 's';
            });
            // No longer than it may:
            EXPECT_FALSE(co_await creche::shield(1s, creche::sleep(1h)));
            order += 'l';
            co_await creche::yield();
            ADD_FAILURE() << "it was not cancelled";
          },
          frame());
      co_await creche::sleep(1s);
      n.cancel();
    });
    EXPECT_EQ(creche::now(), 7s);
  });
  EXPECT_EQ(order, "csl");
}

TEST_F(Scope, ItsHandleCancelsAndMovesItsDeadline) {
  in_virtual_time([]() -> task<> {
    creche::outcome o = co_await creche::scope({}, [](creche::scope_handle s) -> task<> {
      s.cancel("enough");
      co_await creche::sleep(1s);
    });
    EXPECT_TRUE(o.caught);
    o = co_await creche::scope({.timeout = 1s}, [](creche::scope_handle s) -> task<> {
      s.set_timeout(1min);
      co_await creche::sleep(30s);
    });
    EXPECT_FALSE(o.caught);
    EXPECT_EQ(creche::now(), 30s);
    try {
      co_await creche::deadline(1s, [](creche::scope_handle s) -> task<int> {
        s.cancel("just this one");
        co_await creche::sleep(1s);
        co_return 1;
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {  // there is no value, and it is no cancellation of ours
      EXPECT_TRUE(e.is_cancelled());
    }
  });
}

TEST_F(Scope, FinallyComesInAnyCase) {
  std::string order;
  const auto note = [&](char what) {
    return [&order, what]() -> task<> {
      co_await creche::sleep(1s);
      order += what;
    };
  };
  in_virtual_time([&]() -> task<> {
    co_await creche::try_finally(creche::sleep(1s), note('a'));
    EXPECT_EQ(co_await creche::try_finally([]() -> task<int> { co_return 5; }, note('b')), 5);
    EXPECT_THROW(
        co_await creche::try_finally([]() -> task<> { throw std::logic_error("own"); }, note('c')),
        std::logic_error);
    const creche::duration before = creche::now();
    EXPECT_FALSE(co_await creche::move_on(1s, creche::try_finally(creche::sleep(1h), note('d'))));
    EXPECT_EQ(creche::now() - before, 2s);
    EXPECT_FALSE(co_await creche::move_on(
        1s,
        creche::try_finally(creche::sleep(1h), creche::sleep(1h), 5s)));  // no longer than it may
    EXPECT_EQ(creche::now() - before, 8s);
  });
  EXPECT_EQ(order, "abcd");
}

TEST_F(Scope, AsResultsAsWell) {
  in_virtual_time([]() -> task<> {
    const auto late = co_await creche::as_result(creche::deadline(1s, creche::sleep(1h)));
    EXPECT_TRUE(late.error().is_timeout());
    const auto cut = co_await creche::sleep(1s).as_result();
    EXPECT_TRUE(cut);
    co_await creche::move_on(1s, []() -> task<> {
      const auto r = co_await creche::sleep(1h).as_result();
      EXPECT_TRUE(r.error().is_cancelled());
    });
    EXPECT_EQ((co_await creche::as_result([]() -> task<int> { co_return 3; }())).value(), 3);
  });
}

TEST_F(Scope, AChildHasADeadlineOfItsOwn) {
  in_virtual_time([]() -> task<> {
    try {
      co_await creche::group([](nursery& n) -> task<> {
        n.start_soon(
            {.timeout = 1s, .name = "late"}, [](frame) -> task<> { co_await creche::sleep(1h); },
            frame());
        co_return;
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_TRUE(e.leaves().at(0).is_timeout());
    }
  });
}

}  // namespace
