// Deadlines against a model: a sorted multimap.
#include "core/deadlines.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace creche {
namespace {

struct Item : Deadline {
  Nanos at = kNever;
};

class Model {
 public:
  explicit Model(size_t n) : items_(n) {}
  size_t size() const { return items_.size(); }
  void Arm(size_t i, Nanos at) {
    heap_.Arm(&items_[i], at);
    items_[i].at = at;
    Look();
  }
  void Disarm(size_t i) {
    heap_.Disarm(&items_[i]);
    items_[i].at = kNever;
    Look();
  }
  void Expire(Nanos now) {
    while (Deadline* popped = heap_.PopExpired(now)) {
      auto* item = static_cast<Item*>(popped);
      EXPECT_FALSE(item->armed());
      EXPECT_EQ(item->at, Earliest());
      item->at = kNever;
    }
    EXPECT_GT(Earliest(), now);
    Look();
  }
  Nanos Earliest() const {
    Nanos earliest = kNever;
    for (const Item& item : items_) earliest = std::min(earliest, item.at);
    return earliest;
  }

 private:
  void Look() {
    ASSERT_EQ(heap_.next(), Earliest());
    ASSERT_EQ(heap_.empty(), Earliest() == kNever);
    for (const Item& item : items_) ASSERT_EQ(item.armed(), item.at != kNever);
  }
  std::vector<Item> items_;
  Deadlines heap_;
};

TEST(Deadlines, DoesWhatASortedListDoes) {
  std::mt19937 random(1);
  for (size_t n : {1, 2, 5, 40, 200}) {
    Model model(n);
    Nanos now = 0;
    for (int step = 0; step < 5000; step++) {
      const size_t i = random() % n;
      const unsigned what = random() % 10;
      if (what < 5)
        model.Arm(i, now + 1 + static_cast<Nanos>(random() % 100));
      else if (what < 9)
        model.Disarm(i);
      else
        model.Expire(now += random() % 5);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Deadlines, LosesNoneWhenMostAreDisarmed) {
  for (bool backwards : {false, true}) {
    constexpr size_t kMany = 300;
    Model model(kMany);
    for (size_t i = 0; i < kMany; i++) model.Arm(i, static_cast<Nanos>(1 + i * 7919 % kMany));
    for (size_t i = 0; i < kMany; i++)
      if (i % 10 != 0) model.Disarm(backwards ? kMany - 1 - i : i);
    model.Expire(kMany);
    EXPECT_EQ(model.Earliest(), kNever);
  }
}

TEST(Deadlines, NeverFailsWithRoomForAll) {
  constexpr size_t kMany = 100;
  std::vector<Item> items(kMany);
  Deadlines heap;
  heap.ReserveAll(kMany);
  std::mt19937 random(1);
  // Without memory Arm would throw, through this noexcept.
  const auto arm = [&](Deadline* item, Nanos at) noexcept { heap.Arm(item, at); };
  for (int step = 0; step < 10000; step++) {
    Item& item = items[random() % kMany];
    if (random() % 2)
      arm(&item, static_cast<Nanos>(random() % 1000));
    else
      heap.Disarm(&item);
  }
}

}  // namespace
}  // namespace creche
