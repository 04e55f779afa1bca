// Every URL at once, 50 at a time, 10 seconds for all of them: what completes first is printed
// first. usage: fetch_all_cpp URL...
#include <creche/creche.hpp>
#include <cstdio>
#include <string>
#include <vector>

using namespace std::chrono_literals;

creche::task<> fetch_all(const std::vector<std::string>& urls) {
  creche::session web;
  co_await creche::group({.limit = 50, .timeout = 10s}, [&](creche::nursery& n) -> creche::task<> {
    for (const std::string& url : urls)
      n.start_soon([&]() -> creche::task<> {
        // A result: one that fails is no reason to stop the others.
        auto page = co_await web.try_fetch(url);
        if (page)
          std::printf("%d %8zu %s\n", page->status(), page->body().size(), url.c_str());
        else
          std::printf("--- %s: %s\n", url.c_str(), page.error().what());
      });
    co_return;
  });
}

int main(int argc, char** argv) {
  const std::vector<std::string> urls(argv + 1, argv + argc);
  try {
    creche::run(fetch_all(urls));
  } catch (const creche::error& e) {
    return std::fprintf(stderr, "%s\n", e.what()), 1;
  }
}
