// The classic examples of an HTTP session, by creche.hpp. usage: web URL
#include <creche/creche.hpp>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

namespace {

// show: session
creche::task<> session(std::string url) {
  creche::session web;
  for (int i = 0; i < 3; i++) {
    auto page = co_await web.fetch(url + "/count");
    std::cout << page.status() << ' ' << page.body() << '\n';
  }
}
// end: session

// show: timeouts
creche::task<> timeouts(std::string url) {
  creche::session web;
  auto page = co_await web.try_fetch(url + "/never", {.timeout = 200ms});
  if (!page && page.error().is_timeout()) std::cout << "timed out\n";
}
// end: timeouts

// show: as_completed
creche::task<> as_completed(std::string url) {
  creche::session web({.base_url = url});
  co_await creche::group([&](creche::nursery& n) {
    for (auto path : {"/3", "/1", "/2"})
      n.start_soon([&web, path]() -> creche::task<> {
        std::cout << (co_await web.fetch(path)).body() << '\n';
      });
  });
}
// end: as_completed

// show: fail_fast
creche::task<> fail_fast(std::string url) {
  creche::session web({.flags = CRECHE_SESSION_FAIL_ON_STATUS, .base_url = url});
  auto fetch = [&](const char* path) -> creche::task<> { co_await web.fetch(path); };
  try {
    co_await creche::group([&](creche::nursery& n) {
      n.start_soon(fetch, "/never");
      n.start_soon(fetch, "/missing");
    });
  } catch (const creche::error& failed) {
    std::cout << "failed with " << failed.leaves()[0].http_status() << '\n';
  }
}
// end: fail_fast

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  creche::run([url = std::string(argv[1])]() -> creche::task<> {
    co_await session(url);
    co_await timeouts(url);
    co_await as_completed(url);
    co_await fail_fast(url);
  });
}
