// Streams, by pulling: a body is read piece by piece, and a large table row by row; not taking the
// next one holds the server back. usage: DATABASE_URL=... streams_cpp URL
#include <cinttypes>
#include <creche/creche.hpp>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const char* const dsn = std::getenv("DATABASE_URL");
  try {
    creche::run([&]() -> creche::task<> {
      creche::session web;
      creche::pool db(dsn != nullptr ? dsn : "");

      auto page = co_await web.send(argv[1]);  // at the head
      uint64_t bytes = 0;
      while (auto piece = co_await page.next()) bytes += piece->size();
      std::printf("body: %" PRIu64 " bytes\n", bytes);

      auto rows = db.stream("select i, 'row ' || i from generate_series(1, $1) i", 100000);
      uint64_t count = 0;
      int64_t sum = 0;
      while (auto row = co_await rows.next()) {
        sum += row->get<int64_t>(0);
        count++;
      }
      std::printf("rows: %" PRIu64 ", sum %" PRId64 "\n", count, sum);
    });
  } catch (const creche::error& e) {
    return std::fprintf(stderr, "%s\n", e.what()), 1;
  }
}
