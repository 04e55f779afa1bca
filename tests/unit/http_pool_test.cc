#include <gtest/gtest.h>
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "http/line_heap.h"
#include "http/pool.h"
#include "test_loop.h"

namespace creche::http {
namespace {

using test::TestLoop;

// A connection on which nothing comes.
struct Quiet final : Connection {
  size_t capacity() const noexcept override { return 1; }
  Exchange* Open(Request*, ResponseHead*, Attempt*, Exchange::Listener*) override {
    return nullptr;
  }
  Nanos keep_for() const noexcept override { return keep ? kNever : 0; }
  bool IdleIsSound() noexcept override { return true; }
  bool keep = true;
};

// Opens them at once.
struct QuietOpener final : Opener {
  struct Now final : Opening {
    explicit Now(Listener* l) : listener(l) {}
    void Start() noexcept override { listener->OnOpened(std::make_unique<Quiet>()); }
    Phase phase() const noexcept override { return Phase::kConnect; }
    Listener* const listener;
  };
  std::unique_ptr<Opening> Open(const Route&, const Timeouts&, Listener* listener) override {
    return std::make_unique<Now>(listener);
  }
};

// Asks for a connection and holds it.
struct Fetch final : Checkout {
  Fetch(const std::string& where, std::vector<Fetch*>* served)
      : origin(where), url(Url::Parse(where).value()), order(served) {}
  void OnReserved(Reservation reserved, bool) noexcept override {
    place = std::move(reserved);
    order->push_back(this);
  }
  void OnOpening() noexcept override {}
  void OnOpenFailed(Phase, ErrorRef) noexcept override { ADD_FAILURE(); }
  void Keep() { place.GiveBack(); }
  void Close() {
    static_cast<Quiet&>(place.connection()).keep = false;
    place.GiveBack();
  }
  void GiveUp() { Cancel(); }

  const std::string origin;
  const Url url;
  const Timeouts timeouts;
  std::vector<Fetch*>* const order;  // who was served
  int number = 0;
  Reservation place;
};

struct PoolFixture {
  explicit PoolFixture(const Pool::Limits& limits) : pool(*loop, limits, counters, opener) {}
  Fetch* Start(const std::string& origin, bool fresh = false) {
    fetches.push_back(std::make_unique<Fetch>(origin, &order));
    Fetch* fetch = fetches.back().get();
    fetch->number = static_cast<int>(fetches.size());
    pool.Reserve({fetch->url, nullptr}, fetch->timeouts, fresh, fetch);
    return fetch;
  }
  Ref<TestLoop> loop = TestLoop::Open();
  Counters counters;
  QuietOpener opener;
  Pool pool;
  std::vector<std::unique_ptr<Fetch>> fetches;
  std::vector<Fetch*> order;
};

// One fetch each to `n` origins; how many lines and connections were looked at for each.
double WorkOfAFetch(int n) {
  PoolFixture p({.total = 100});
  for (int i = 0; i < n; i++) p.Start("http://h" + std::to_string(i));
  EXPECT_EQ(p.counters.waiting.get(), static_cast<uint64_t>(n - 100));
  for (size_t done = 0; done < p.order.size(); done++) {
    p.order[done]->Keep();
    if (done % 10 == 9 || done + 1 == p.order.size()) p.loop->Poll();
  }
  EXPECT_EQ(p.order.size(), static_cast<size_t>(n));
  for (int i = 0; i < n; i++) EXPECT_EQ(p.order[i]->number, i + 1) << "first come, first served";
  EXPECT_EQ(p.counters.idle.get(), 100u);
  return static_cast<double>(p.pool.work()) / n;
}

TEST(PoolTest, WorkDoesNotGrowWithOrigins) {
  const double few = WorkOfAFetch(1000);
  const double many = WorkOfAFetch(32000);
  EXPECT_LT(few, 30);
  EXPECT_LT(many, 60);  // log n
}

// Those that cannot be served are not looked at: all wait for one origin that is at its limit.
TEST(PoolTest, WorkDoesNotGrowWithLinesThatCannotBeServed) {
  PoolFixture p({.total = 0, .per_route = 1});
  for (int i = 0; i < 200; i++)
    for (int twice = 0; twice < 2; twice++) p.Start("http://busy" + std::to_string(i));
  EXPECT_EQ(p.counters.waiting.get(), 200u);
  const uint64_t before = p.pool.work();
  for (int i = 0; i < 200; i++) {
    Fetch* one = p.Start("http://one");
    ASSERT_TRUE(one->place);
    one->Keep();
    p.loop->Poll();
  }
  EXPECT_LT(p.pool.work() - before, 2'000u);
}

// Who asks in the turn in which a connection becomes free does not get it before those in line.
TEST(PoolTest, NobodyOvertakes) {
  for (const bool keep : {true, false}) {
    PoolFixture p({.total = 1, .max_waiting = 1});
    Fetch* first = p.Start("http://a");
    Fetch* waits = p.Start("http://b");
    ASSERT_TRUE(first->place);
    if (keep)
      first->Keep();
    else
      first->Close();
    Fetch* late = p.Start("http://a");
    EXPECT_TRUE(waits->place);
    EXPECT_TRUE(late->waiting());
    waits->Keep();
    p.loop->Poll();
    EXPECT_TRUE(late->place);
  }
}

TEST(PoolTest, GoneWaitersAreNotCounted) {
  PoolFixture p({.total = 1});
  p.Start("http://a");
  std::vector<Fetch*> waiting;
  for (int i = 0; i < 5; i++) waiting.push_back(p.Start(i % 2 ? "http://a" : "http://b"));
  EXPECT_EQ(p.counters.waiting.get(), 5u);
  for (const int i : {4, 0, 1, 2}) waiting[i]->GiveUp();
  EXPECT_EQ(p.counters.waiting.get(), 1u);
  p.order[0]->Keep();
  p.loop->Poll();
  EXPECT_EQ(p.order.back(), waiting[3]);
  EXPECT_EQ(p.counters.waiting.get(), 0u);
}

// At random: nobody waits who could be served, and limits
// and counters hold.
TEST(PoolTest, Random) {
  for (unsigned seed = 1; seed <= 60; seed++) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    const Pool::Limits limits{.total = below(3) == 0 ? 0 : 1 + below(6), .per_route = below(3)};
    PoolFixture p(limits);
    for (int step = 0; step < 300; step++) {
      std::vector<Fetch*> busy, waiting;
      for (auto& fetch : p.fetches) {
        if (fetch->place) busy.push_back(fetch.get());
        if (fetch->waiting()) waiting.push_back(fetch.get());
      }
      switch (below(5)) {
        case 0:
        case 1:
          p.Start("http://h" + std::to_string(below(8)), below(8) == 0);
          break;
        case 2:
          if (!busy.empty()) busy[below(static_cast<unsigned>(busy.size()))]->Keep();
          break;
        case 3:
          if (!busy.empty()) busy[below(static_cast<unsigned>(busy.size()))]->Close();
          break;
        case 4:
          if (!waiting.empty() && below(3) == 0)
            waiting[below(static_cast<unsigned>(waiting.size()))]->GiveUp();
          break;
      }
      if (below(3) == 0) continue;
      p.loop->Poll();
      busy.clear();
      waiting.clear();
      for (auto& fetch : p.fetches) {
        if (fetch->place) busy.push_back(fetch.get());
        if (fetch->waiting()) waiting.push_back(fetch.get());
      }
      const uint64_t open = p.counters.open.get();
      EXPECT_EQ(open, busy.size() + p.counters.idle.get());
      EXPECT_EQ(p.counters.waiting.get(), waiting.size());
      EXPECT_TRUE(limits.total == 0 || open <= limits.total);
      for (const Fetch* w : waiting) {
        const auto of_it = [&](const Fetch* other) { return other->origin == w->origin; };
        const auto used = static_cast<uint64_t>(std::count_if(busy.begin(), busy.end(), of_it));
        const bool at_limit = limits.per_route != 0 && used >= limits.per_route;
        const bool full = limits.total != 0 && open >= limits.total && p.counters.idle.get() == 0;
        ASSERT_TRUE(at_limit || full) << "seed " << seed << " step " << step << " " << w->origin;
      }
    }
  }
}

TEST(LineHeapTest, Random) {
  std::mt19937 random(7);
  LineHeap heap;
  std::vector<std::unique_ptr<Line>> lines;
  std::vector<std::pair<uint64_t, Line*>> in;
  for (int i = 0; i < 300; i++) lines.push_back(std::make_unique<Line>());
  for (int step = 0; step < 20000; step++) {
    Line* line = lines[random() % lines.size()].get();
    if (line->heap()) {
      LineHeap::Remove(line);
      std::erase_if(in, [&](const auto& one) { return one.second == line; });
    } else {
      const uint64_t key = random() << 16 | static_cast<uint64_t>(step);
      heap.Add(line, key);
      in.emplace_back(key, line);
    }
    ASSERT_EQ(heap.first(), in.empty() ? nullptr : std::min_element(in.begin(), in.end())->second);
  }
  LineHeap::Remove(lines[0].get());
  LineHeap::Remove(lines[0].get());  // harmless
}

}  // namespace
}  // namespace creche::http
