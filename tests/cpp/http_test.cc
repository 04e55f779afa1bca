// Sessions of creche.hpp, against nginx.
#include "cpp_test.h"
#include "servers.h"

using creche::nursery;
using creche::task;

namespace {

using Http = Coroutines;

TEST_F(Http, FetchesWhole) {
  creche::run([]() -> task<> {
    creche::session web;
    auto page = co_await web.fetch(http("/small"));
    EXPECT_EQ(page.status(), 200);
    EXPECT_EQ(page.body().size(), 1024u);
    EXPECT_EQ(page.header("content-length").value_or(""), "1024");
    EXPECT_FALSE(page.header("x-none"));
    EXPECT_EQ(page.url(), http("/small"));
    EXPECT_EQ(page.info().reused, 0u);
    page = co_await web.fetch(http("/missing"));
    EXPECT_EQ(page.status(), 404);
    EXPECT_EQ(page.info().reused, 1u);
    EXPECT_EQ(web.counters().requests, 2u);
    co_await web.close();
  });
}

TEST_F(Http, FailuresAreErrorsOrResults) {
  creche::run([]() -> task<> {
    creche::session web;
    try {
      co_await web.fetch(http("/missing"), {.fail_on_status = true});
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_EQ(e.status(), CRECHE_E_HTTP_STATUS);
      EXPECT_EQ(e.http_status(), 404u);
      EXPECT_NE(e.http_body().find("404"), std::string_view::npos);
    }
    auto bad = co_await web.try_fetch("http://127.0.0.1:1/");
    EXPECT_FALSE(bad);
    EXPECT_EQ(bad.error().status(), CRECHE_E_CONNECT);
    EXPECT_EQ(bad.error().phase(), static_cast<uint32_t>(CRECHE_PHASE_CONNECT));
    EXPECT_TRUE(bad.error().is_retryable());
    EXPECT_THROW(bad.value(), creche::error);
    auto good = co_await web.try_fetch(http("/small"), {.headers = {{"x-a", "1"}, {"x-b", "2"}}});
    EXPECT_TRUE(good);
    EXPECT_EQ(good->status(), 200);
    EXPECT_FALSE(co_await web.try_fetch("no url"));
  });
}

TEST_F(Http, StreamsABody) {
  creche::run([]() -> task<> {
    creche::session web;
    auto page = co_await web.send(http("/big"));
    size_t size = 0;
    while (auto piece = co_await page.next()) size += piece->size();
    EXPECT_EQ(size, 64u << 20);
    page = co_await web.send(http("/middle"));
    std::vector<char> buffer(1000);
    size = 0;
    while (const size_t n = co_await page.read(buffer)) size += n;
    EXPECT_EQ(size, 65536u);
    page = co_await web.send(http("/big"));  // and one that is given up
    EXPECT_TRUE(co_await page.next());
  });
}

TEST_F(Http, ATimeoutOfARequestAndOfItsGroup) {
  support_nginx_freeze(nginx());
  creche::run([]() -> task<> {
    creche::session web;
    auto late = co_await web.try_fetch(http("/small"), {.timeout = 20ms});
    EXPECT_TRUE(late.error().is_timeout());
    int cancelled = 0;
    try {
      co_await creche::group({.timeout = 20ms}, [&](nursery& n) -> task<> {
        for (int i = 0; i < 5; i++)
          n.start_soon(
              [&](frame) -> task<> {
                try {
                  co_await web.fetch(http("/small"));
                } catch (const creche::cancelled&) {
                  cancelled++;
                  throw;
                }
              },
              frame());
        co_return;
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_TRUE(e.is_timeout());
    }
    EXPECT_EQ(cancelled, 5);
    auto none = co_await web.try_fetch("http://127.0.0.1:1/");
    EXPECT_FALSE(none.error().is_cancelled());  // the scope that was cancelled is left
  });
  support_nginx_thaw(nginx());
}

TEST_F(Http, AFailureStopsTheOthersRequests) {
  creche::run([]() -> task<> {
    creche::session web;
    try {
      co_await creche::group({.bare = true}, [&](nursery& n) -> task<> {
        for (int i = 0; i < 3; i++)
          n.start_soon(
              [&](frame) -> task<> {
                auto page = co_await web.send(http("/big"));
                co_await creche::sleep_until(creche::never);  // the body waits
              },
              frame());
        n.start_soon(
            [&]() -> task<> { co_await web.fetch(http("/missing"), {.fail_on_status = true}); });
        co_return;
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_EQ(e.http_status(), 404u);
    }
    EXPECT_EQ(web.counters().active, 0u);
  });
}

}  // namespace
