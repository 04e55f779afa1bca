// What aiohttp, asyncpg, Trio and asyncio programs look like by creche.hpp.
// usage: DATABASE_URL=... from_python URL
#include <creche/creche.hpp>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using creche::session;

namespace {

// Shown in narrow columns, so these lines are short.
// clang-format off

// show: get
creche::task<> get(session& web, std::string url) {
  auto page = co_await web.fetch(url);
  std::cout << page.status() << ' '
            << page.body().size() << '\n';
}
// end: get

// show: ask
creche::task<> ask(session& web, std::string url) {
  auto page = co_await web.fetch(
      url, {.timeout = 5s, .fail_on_status = true});
  std::cout << page.header("Content-Type").value_or("?")
            << '\n';
}
// end: ask

// show: many
creche::task<> crawl(session& web,
                     std::vector<std::string> urls) {
  co_await creche::group(
      {.limit = 50, .timeout = 10s},
      [&](creche::nursery& n) -> creche::task<> {
        for (const auto& url : urls)
          n.start_soon([&]() -> creche::task<> {
            auto page = co_await web.fetch(url);
            std::cout << page.status() << ' '
                      << page.url() << '\n';
          });
        co_return;
      });
}
// end: many

// show: stream
creche::task<> size_of(session& web, std::string url) {
  auto page = co_await web.send(url);
  size_t size = 0;
  while (auto piece = co_await page.next())
    size += piece->size();
  std::cout << size << " bytes\n";
}
// end: stream

// show: query
creche::task<> count(creche::pool& db) {
  auto n = co_await db.value<int>(
      "select count(*) from page where status = $1", 200);
  std::cout << n << " pages\n";
  co_await db.execute(
      "insert into page values ($1, $2)", "http://c/", 404);
  auto rows = co_await db.query(
      "select url, status from page order by url");
  for (auto row : rows) {
    auto [url, status] = row.as<std::string, int>();
    std::cout << url << ' ' << status << '\n';
  }
}
// end: query

// show: transaction
creche::task<> transfer(creche::pool& db) {
  co_await db.transaction(
      {.isolation = creche::isolation::serializable,
       .retries = 3},
      [](creche::connection& tx) -> creche::task<> {
        co_await tx.execute(
            "update account set cents = cents - $1 "
            "where name = 'anna'", 300);
        co_await tx.execute(
            "update account set cents = cents + $1 "
            "where name = 'ben'", 300);
      });
}
// end: transaction

// show: cursor
creche::task<> sum(creche::pool& db) {
  int64_t sum = 0;
  auto rows = db.stream(
      "select i from generate_series(1, 100000) i");
  while (auto row = co_await rows.next())
    sum += row->get<int>(0);
  std::cout << "sum " << sum << '\n';
}
// end: cursor

// show: move_on
creche::task<> show_what_is_there() {
  bool whole = co_await creche::move_on(
      2s, []() -> creche::task<> {
        co_await creche::sleep(1h);
      });
  if (!whole)
    std::cout << "going on without it\n";
}
// end: move_on

// show: shield
creche::task<> work_then_say_bye(std::string& said) {
  auto work = co_await creche::sleep(1h).as_result();
  if (!work)
    co_await creche::shield(
        1s, [&]() -> creche::task<> {
          co_await creche::sleep(100ms);  // the network
          said = "bye";
        });
  work.value();  // throws what it was, after that
}
// end: shield

// show: nursery
creche::task<> parent(std::string& order) {
  co_await creche::group(
      [&](creche::nursery& n) -> creche::task<> {
        n.start_soon([&]() -> creche::task<> {
          co_await creche::sleep(2s);
          order += 'b';
        });
        n.start_soon([&]() -> creche::task<> {
          co_await creche::sleep(1s);
          order += 'a';
        });
        co_return;
      });
  order += '.';  // both have ended
}
// end: nursery

// show: failure
creche::task<> broken() {
  co_await creche::sleep(1s);
  throw creche::error(CRECHE_E_USER, "no more paper");
}
creche::task<> failing() {
  try {
    co_await creche::group(
        [](creche::nursery& n) -> creche::task<> {
          n.start_soon([]() -> creche::task<> {
            co_await creche::sleep(1h);
          });
          n.start_soon(broken());
          co_return;
        });
  } catch (const creche::error& e) {
    for (const auto& one : e.leaves())
      std::cout << one.what() << '\n';
  }
}
// end: failure

// show: race
creche::task<> fastest(int& winner) {
  co_await creche::group(
      {.policy = creche::policy::race},
      [&](creche::nursery& n) -> creche::task<> {
        for (int i = 1; i <= 3; i++)
          n.start_soon([&winner, i]() -> creche::task<> {
            co_await creche::sleep(i * 1s);
            winner = i;
          });
        co_return;
      });
}
// end: race

// clang-format on

// Runs it on a clock that jumps.
template <class F>
void in_virtual_time(F f) {
  creche::loop on({.on_caller = true, .virtual_clock = true});
  creche::run(on, std::move(f));
}

}  // namespace

int main(int argc, char** argv) {
  const char* dsn = std::getenv("DATABASE_URL");
  if (argc < 2 || dsn == nullptr) return 2;
  const std::string url = argv[1];
  creche::run([&]() -> creche::task<> {
    creche::session web;
    creche::pool db(dsn);
    co_await get(web, url);
    co_await ask(web, url);
    co_await crawl(web, std::vector<std::string>(2, url));
    co_await size_of(web, url);
    co_await db.execute("drop table if exists page");
    co_await db.execute("create table page (url text, status int)");
    co_await db.execute("insert into page values ('http://a/', 200), ('http://b/', 200)");
    co_await count(db);
    co_await db.execute("drop table if exists account");
    co_await db.execute("create table account (name text, cents int)");
    co_await db.execute("insert into account values ('anna', 500), ('ben', 0)");
    co_await transfer(db);
    std::cout << "ben has "
              << co_await db.value<int>("select cents from account where name = 'ben'") << '\n';
    co_await sum(db);
  });
  std::string order;
  std::string said;
  int winner = 0;
  in_virtual_time([&]() -> creche::task<> {
    co_await parent(order);
    co_await failing();
    co_await fastest(winner);
    co_await show_what_is_there();
    co_await creche::move_on(5s, [&]() -> creche::task<> { co_await work_then_say_bye(said); });
  });
  std::cout << order << ' ' << winner << ' ' << said << '\n';
  return 0;
}
