// A deadline for a section of work, and a shield for the clean-up after it. usage: DATABASE_URL=...
// section_cpp. A slow query gets 200 ms; then, although the task around it is cancelled too, a
// shielded part writes down that it was.
#include <creche/creche.hpp>
#include <cstdio>
#include <cstdlib>

using namespace std::chrono_literals;

creche::task<> work(creche::pool& db, creche::nursery& group) {
  try {
    co_await creche::deadline(200ms, db.query("select pg_sleep(60)"));
  } catch (const creche::error& e) {
    std::printf("section: %s\n", e.status_name());
  }
  group.cancel("no more");  // what is not shielded ends here
  // The clean-up outlives the cancellation, for 5 s at the most.
  co_await creche::try_finally(
      creche::sleep(1h),
      [&]() -> creche::task<> {
        co_await db.execute("select 'written down'");
        std::printf("cleaned up: CRECHE_OK\n");
      },
      5s);
}

int main() {
  const char* const dsn = std::getenv("DATABASE_URL");
  try {
    creche::run([&]() -> creche::task<> {
      creche::pool db(dsn != nullptr ? dsn : "");
      co_await creche::group([&](creche::nursery& n) -> creche::task<> {
        n.start_soon(work, std::ref(db), std::ref(n));
        co_return;
      });
    });
  } catch (const creche::error& e) {
    return std::fprintf(stderr, "%s\n", e.what()), 1;
  }
}
