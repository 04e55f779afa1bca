// The classic examples of a database, by creche.hpp. usage: DATABASE_URL=... database, with a table
// `account`
#include <creche/creche.hpp>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace {

constexpr const char* add = "update account set cents = cents + $1 where name = $2";

// show: pool
creche::task<> pool(creche::ctext dsn) {
  creche::pool db(dsn, {.min_size = 1, .max_size = 4});
  auto square = [&](int i) { return db.value<int>("select $1::int * $1", i); };
  auto [a, b, c, d] = co_await creche::all(square(1), square(2), square(3), square(4));
  std::cout << a << ' ' << b << ' ' << c << ' ' << d << '\n';
}
// end: pool

// show: cursor
creche::task<> cursor(creche::pool& db) {
  int64_t total = 0;
  auto rows = db.stream("select i from generate_series(1, 100000) i");
  while (auto row = co_await rows.next()) total += row->get<int>("i");
  std::cout << total << '\n';
}
// end: cursor

// show: transaction
creche::task<> transaction(creche::pool& db) {
  for (int cents : {300, 900}) try {
      co_await db.transaction([=](creche::connection& tx) -> creche::task<> {
        co_await tx.execute(add, cents, "ben");
        co_await tx.execute(add, -cents, "anna");
      });
    } catch (const creche::error& e) {
      if (e.sqlstate() == "23514") std::cout << "rolled back\n";
    }
}
// end: transaction

// show: records
creche::task<> records(creche::pool& db) {
  auto rows = co_await db.query("select name, cents from account order by name");
  for (auto row : rows) {
    auto [name, cents] = row.as<std::string, int>();
    std::cout << name << ' ' << cents << '\n';
  }
}
// end: records

}  // namespace

int main() {
  const char* const dsn = std::getenv("DATABASE_URL");
  if (dsn == nullptr) return 2;
  creche::run([=]() -> creche::task<> {
    co_await pool(dsn);
    creche::pool db(dsn);
    co_await cursor(db);
    co_await transaction(db);
    co_await records(db);
  });
}
