#include <gtest/gtest.h>
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "http/line_heap.h"
#include "http/origin_pool.h"
#include "test_loop.h"

namespace creche::http {
namespace {

using test::TestLoop;

// A connection on which nothing comes.
struct Quiet final : Connection {
  explicit Quiet(Slot slot) : Connection(std::move(slot)) {}
  Exchange* Open(Request*, ResponseHead*, Attempt*, Exchange::Listener*) override {
    return nullptr;
  }
  Nanos keep_for() const noexcept override { return kNever; }
  bool IdleIsSound() noexcept override { return true; }
};

// Asks for a connection and holds it.
struct Fetch final : ConnectionWaiter {
  ~Fetch() = default;
  void OnKept(std::unique_ptr<Connection> kept) noexcept override {
    connection = std::move(kept);
    order->push_back(this);
  }
  void OnSlot(Slot slot) noexcept override {
    connection = std::make_unique<Quiet>(std::move(slot));
    order->push_back(this);
  }
  bool waits() const { return waiting(); }
  void GiveUp() { Leave(); }

  TestLoop* loop = nullptr;
  std::vector<Fetch*>* order = nullptr;  // who was served
  std::string origin;
  int number = 0;
  std::unique_ptr<Connection> connection;
};

struct Pool {
  explicit Pool(const OriginPool::Limits& limits) : pool(*loop, limits, counters) {}
  ~Pool() {
    for (auto& fetch : fetches) fetch->connection.reset();
    fetches.clear();
  }
  Fetch* Start(const std::string& origin, bool fresh = false) {
    fetches.push_back(std::make_unique<Fetch>());
    Fetch* fetch = fetches.back().get();
    fetch->loop = loop.get();
    fetch->order = &order;
    fetch->origin = origin;
    fetch->number = static_cast<int>(fetches.size());
    pool.Acquire(origin, fresh, fetch);
    return fetch;
  }
  Ref<TestLoop> loop = TestLoop::Open();
  Counters counters;
  OriginPool pool;
  std::vector<std::unique_ptr<Fetch>> fetches;
  std::vector<Fetch*> order;
};

// One fetch each to `n` origins; how many lines and connections were looked at for each.
double WorkOfAFetch(int n) {
  Pool p({.total = 100});
  for (int i = 0; i < n; i++) p.Start("http://h" + std::to_string(i));
  EXPECT_EQ(p.counters.waiting.get(), static_cast<uint64_t>(n - 100));
  for (size_t done = 0; done < p.order.size(); done++) {
    p.pool.Keep(std::move(p.order[done]->connection));
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
  Pool p({.total = 0, .per_origin = 1});
  for (int i = 0; i < 200; i++)
    for (int twice = 0; twice < 2; twice++) p.Start("http://busy" + std::to_string(i));
  EXPECT_EQ(p.counters.waiting.get(), 200u);
  const uint64_t before = p.pool.work();
  for (int i = 0; i < 200; i++) {
    Fetch* one = p.Start("http://one");
    ASSERT_TRUE(one->connection);
    p.pool.Keep(std::move(one->connection));
    p.loop->Poll();
  }
  EXPECT_LT(p.pool.work() - before, 2'000u);
}

// Who asks in the turn in which a connection becomes free does not get it before those in line.
TEST(PoolTest, NobodyOvertakes) {
  for (const bool keep : {true, false}) {
    Pool p({.total = 1, .max_waiting = 1});
    Fetch* first = p.Start("http://a");
    Fetch* waits = p.Start("http://b");
    ASSERT_TRUE(first->connection);
    if (keep)
      p.pool.Keep(std::move(first->connection));
    else
      first->connection.reset();
    Fetch* late = p.Start("http://a");
    EXPECT_TRUE(waits->connection);
    EXPECT_TRUE(late->waits());
    p.pool.Keep(std::move(waits->connection));
    p.loop->Poll();
    EXPECT_TRUE(late->connection);
  }
}

TEST(PoolTest, GoneWaitersAreNotCounted) {
  Pool p({.total = 1});
  p.Start("http://a");
  std::vector<Fetch*> waiting;
  for (int i = 0; i < 5; i++) waiting.push_back(p.Start(i % 2 ? "http://a" : "http://b"));
  EXPECT_EQ(p.counters.waiting.get(), 5u);
  for (const int i : {4, 0, 1, 2}) waiting[i]->GiveUp();
  EXPECT_EQ(p.counters.waiting.get(), 1u);
  p.pool.Keep(std::move(p.order[0]->connection));
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
    const OriginPool::Limits limits{.total = below(3) == 0 ? 0 : 1 + below(6),
                                    .per_origin = below(3)};
    Pool p(limits);
    for (int step = 0; step < 300; step++) {
      std::vector<Fetch*> busy, waiting;
      for (auto& fetch : p.fetches) {
        if (fetch->connection) busy.push_back(fetch.get());
        if (fetch->waits()) waiting.push_back(fetch.get());
      }
      switch (below(5)) {
        case 0:
        case 1:
          p.Start("http://h" + std::to_string(below(8)), below(8) == 0);
          break;
        case 2:
          if (!busy.empty())
            p.pool.Keep(std::move(busy[below(static_cast<unsigned>(busy.size()))]->connection));
          break;
        case 3:
          if (!busy.empty()) busy[below(static_cast<unsigned>(busy.size()))]->connection.reset();
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
        if (fetch->connection) busy.push_back(fetch.get());
        if (fetch->waits()) waiting.push_back(fetch.get());
      }
      const uint64_t open = p.counters.open.get();
      EXPECT_EQ(open, busy.size() + p.counters.idle.get());
      EXPECT_EQ(p.counters.waiting.get(), waiting.size());
      EXPECT_TRUE(limits.total == 0 || open <= limits.total);
      for (const Fetch* w : waiting) {
        const auto of_it = [&](const Fetch* other) { return other->origin == w->origin; };
        const auto used = static_cast<uint64_t>(std::count_if(busy.begin(), busy.end(), of_it));
        const bool at_limit = limits.per_origin != 0 && used >= limits.per_origin;
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
