// Fail-fast: pages are fetched and stored, and the first failure stops all of it; then a
// transaction counts them and leaves a note, or nothing. usage: DATABASE_URL=... page_store_cpp
// URL...
#include <creche/creche.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace std::chrono_literals;

creche::task<int> crawl(creche::session& web, creche::pool& db,
                        const std::vector<std::string>& urls) {
  co_await creche::group({.limit = 50, .timeout = 30s}, [&](creche::nursery& n) -> creche::task<> {
    for (const std::string& url : urls)
      n.start_soon([&]() -> creche::task<> {  // cannot outlive the group
        auto page = co_await web.fetch(url);  // throws creche::error; or try_fetch: a result
        co_await db.execute("insert into crawled values ($1, $2)", url, page.status());
      });
    co_return;
  });
  int n = 0;
  auto rows = db.stream("select url, status from crawled");  // pulled: holds the server back
  while (auto row = co_await rows.next()) n += row->get<int>(1) == 200;
  co_return n;
}

int main(int argc, char** argv) {
  const std::vector<std::string> urls(argv + 1, argv + argc);
  const char* const dsn = std::getenv("DATABASE_URL");
  try {
    creche::run([&]() -> creche::task<> {
      creche::session web;
      creche::pool db(dsn != nullptr ? dsn : "");
      co_await db.execute("create table if not exists crawled (url text, status int)");
      co_await db.execute("create table if not exists crawl_note (line text)");
      std::printf("good: %d\n", co_await crawl(web, db, urls));
      const auto line = co_await db.transaction(
          {.retries = 3}, [](creche::connection& tx) -> creche::task<std::string> {
            co_await tx.execute("insert into crawl_note select 'pages: ' || count(*) from crawled");
            co_return co_await tx.value<std::string>("select max(line) from crawl_note");
          });
      std::printf("%s\n", line.c_str());
    });
  } catch (const creche::error& e) {  // of a group: with a tree of failures
    for (const creche::error& failure : e.leaves()) std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
