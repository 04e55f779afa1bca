#include "core/resolver.h"

#include <netdb.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "core/host_name.h"
#include "test_loop.h"

namespace creche {
namespace {

using platform::Address;
using platform::Resolved;
using test::TestLoop;

// A system's resolver under the test's control.
class FakeDns {
 public:
  static Resolved LookUp(const std::string& name) noexcept { return Instance().Answer(name); }
  static FakeDns& Instance() {
    static FakeDns instance;
    return instance;
  }
  void Reset() {
    const std::lock_guard lock(mutex_);
    asked_.clear();
    held_ = false;
  }
  // While held nobody gets an answer.
  void Hold(bool hold) {
    const std::lock_guard lock(mutex_);
    held_ = hold;
    changed_.notify_all();
  }
  void AwaitQuestion(const std::string& name) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_[name] > 0; });
  }
  int asked(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return asked_[name];
  }

 private:
  Resolved Answer(const std::string& name) {
    std::unique_lock lock(mutex_);
    asked_[name]++;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    if (name == "missing.example") return {.eai = EAI_NONAME};
    if (name == "later.example") return {.eai = EAI_AGAIN};
    Resolved found;
    for (const char* ip : {"2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"})
      found.addresses.push_back(*Address::Literal(ip));
    return found;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> asked_;
  bool held_ = false;
};

std::string TextOf(const Result<Addresses>& answer) {
  if (!answer.ok()) return StatusName(answer.error()->status());
  std::string text;
  for (const Address& address : answer.value()) text += address.Text() + " ";
  return text;
}

class Waiter : public Resolver::Query {
 public:
  ~Waiter() override = default;
  void OnResolved(Result<Addresses> answer) noexcept override {
    calls++;
    text = TextOf(answer);
    if (!answer.ok()) error = answer.error();
    if (then) then();
  }
  int calls = 0;
  std::string text;
  ErrorRef error;
  std::function<void()> then;
};

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() { FakeDns::Instance().Reset(); }
  ~ResolverTest() override {
    FakeDns::Instance().Hold(false);
    loop_->StopTakingJobs();  // a look-up that ends later must not wait for a turn
  }
  Resolver::Options Faked() {
    Resolver::Options options;
    options.look_up = FakeDns::LookUp;
    options.lookups = &lookups_;
    return options;
  }
  // The answer, now or later.
  std::string Ask(Resolver& resolver, const char* host, uint16_t port = 80) {
    Waiter waiter;
    if (const auto known = resolver.Resolve(host, port, &waiter)) return TextOf(*known);
    EXPECT_TRUE(waiter.waiting());
    loop_->RunUntil([&] { return waiter.calls > 0; });
    return waiter.text;
  }

  const Ref<TestLoop> loop_ = TestLoop::Open();
  Workers workers_;
  Counter lookups_;
  FakeDns& dns_ = FakeDns::Instance();
};

constexpr char kInOrder[] = "[2001:db8::1]:80 192.0.2.1:80 [2001:db8::2]:80 192.0.2.2:80 ";
constexpr char kTurned[] = "[2001:db8::2]:80 192.0.2.2:80 [2001:db8::1]:80 192.0.2.1:80 ";

TEST_F(ResolverTest, LooksUpOnceAndTakesTurns) {
  Resolver resolver(*loop_, workers_, Faked());
  EXPECT_EQ(Ask(resolver, "some.example"), kInOrder);
  EXPECT_EQ(Ask(resolver, "SOME.Example"), kTurned);
  EXPECT_EQ(Ask(resolver, "some.example"), kInOrder);
  EXPECT_EQ(dns_.asked("some.example"), 1);
  EXPECT_EQ(lookups_.get(), 1u);
  resolver.ClearCache();
  EXPECT_EQ(Ask(resolver, "some.example", 443).find("[2001:db8::1]:443 192.0.2.1:443"), 0u);
  EXPECT_EQ(lookups_.get(), 2u);
}

TEST_F(ResolverTest, KeepsTheOrderIfAskedTo) {
  Resolver::Options options = Faked();
  options.spread = false;
  Resolver resolver(*loop_, workers_, options);
  for (int i = 0; i < 3; i++) EXPECT_EQ(Ask(resolver, "some.example"), kInOrder);
  EXPECT_EQ(lookups_.get(), 1u);
}

TEST_F(ResolverTest, KnowsAddressesWithoutALookUp) {
  Resolver resolver(*loop_, workers_, Faked());
  EXPECT_EQ(TextOf(*resolver.Resolve("192.0.2.7", 80, nullptr)), "192.0.2.7:80 ");
  EXPECT_EQ(TextOf(*resolver.Resolve("::1", 443, nullptr)), "[::1]:443 ");
  EXPECT_EQ(lookups_.get(), 0u);
}

TEST_F(ResolverTest, KnowsLocalhost) {
  Resolver resolver(*loop_, workers_, Faked());
  for (const char* name : {"localhost", "LOCALHOST", "localhost.", "a.localhost", "a.b.localhost."})
    EXPECT_EQ(TextOf(*resolver.Resolve(name, 80, nullptr)), "127.0.0.1:80 [::1]:80 ") << name;
  EXPECT_EQ(lookups_.get(), 0u);
  EXPECT_EQ(Ask(resolver, "alocalhost"), kInOrder);
  EXPECT_EQ(Ask(resolver, "localhost.example"), kInOrder);
}

// One thread, which hangs: who waits behind it and goes takes the question along.
TEST_F(ResolverTest, WhatNobodyWaitsForIsNotAsked) {
  Workers one(1);
  Resolver resolver(*loop_, one, Faked());
  dns_.Hold(true);
  Waiter first, second, other;
  resolver.Resolve("first.example", 80, &first);
  dns_.AwaitQuestion("first.example");
  resolver.Resolve("second.example", 80, &second);
  resolver.Resolve("second.example", 80, &other);
  second.Cancel();
  EXPECT_TRUE(other.waiting());
  other.Cancel();
  Waiter third;
  resolver.Resolve("third.example", 80, &third);
  dns_.Hold(false);
  loop_->RunUntil([&] { return third.calls > 0; });
  EXPECT_EQ(dns_.asked("second.example"), 0);
  EXPECT_EQ(Ask(resolver, "second.example"), kInOrder);
}

// A look-up that hangs ends for those who wait, and the next one asks anew.
TEST_F(ResolverTest, ALookUpHasADeadline) {
  Resolver::Options options = Faked();
  options.deadline = 5 * kMillisecond;
  Resolver resolver(*loop_, workers_, options);
  dns_.Hold(true);
  Waiter waiter;
  resolver.Resolve("some.example", 80, &waiter);
  dns_.AwaitQuestion("some.example");
  loop_->RunUntil([&] { return waiter.calls > 0; });
  EXPECT_EQ(waiter.text, "CRECHE_E_DNS");
  EXPECT_TRUE(waiter.error->retryable());
  options.deadline = 3600 * kSecond;
  Resolver patient(*loop_, workers_, options);
  dns_.Hold(false);
  EXPECT_EQ(Ask(patient, "some.example"), kInOrder);
}

TEST_F(ResolverTest, ForgetsAHost) {
  Resolver resolver(*loop_, workers_, Faked());
  Ask(resolver, "some.example");
  resolver.Forget("other.example");
  Ask(resolver, "some.example");
  EXPECT_EQ(lookups_.get(), 1u);
  resolver.Forget("SOME.example");
  Ask(resolver, "some.example");
  EXPECT_EQ(lookups_.get(), 2u);
}

TEST_F(ResolverTest, RefusesWhatIsNoName) {
  Resolver resolver(*loop_, workers_, Faked());
  for (const std::string& host : {std::string("127.1"),
                                  std::string("2130706433"),
                                  std::string("017700000001"),
                                  std::string("0x7f.1"),
                                  std::string("0x7f000001"),
                                  std::string("0x"),
                                  std::string("127.0.0.01"),
                                  std::string("1.2.3.4.5"),
                                  std::string("1.2.3.4."),
                                  std::string("foo.1"),
                                  std::string("a.0X7F."),
                                  std::string(""),
                                  std::string("."),
                                  std::string("a..b"),
                                  std::string(".a"),
                                  std::string("a b"),
                                  std::string("a\r\nb"),
                                  std::string("a\0b", 3),
                                  std::string("user@host"),
                                  std::string("a/b"),
                                  std::string("[::1]"),
                                  std::string("::1::"),
                                  std::string("fe80::1%nowhere"),
                                  std::string("b\xc3\xbc"
                                              "cher.example"),
                                  std::string("-h%00"),
                                  std::string(64, 'a'),
                                  std::string(300, 'a')}) {
    const auto known = resolver.Resolve(host, 80, nullptr);
    ASSERT_TRUE(known) << host;
    ASSERT_FALSE(known->ok()) << host;
    EXPECT_EQ(known->error()->status(), Status::kUrl) << host;
    for (const char* c = known->error()->message(); *c; c++)
      EXPECT_TRUE(*c >= ' ' && *c <= '~') << "a message is one harmless line";
  }
  EXPECT_EQ(lookups_.get(), 0u);
}

TEST_F(ResolverTest, LetsNamesThrough) {
  std::string longest;
  for (int i = 0; i < 4; i++) longest += std::string(i < 3 ? 63 : 61, 'a') + ".";
  for (const std::string& host :
       {std::string("localhost"), std::string("a.b.example."), std::string("_sip.x-y.example"),
        std::string("1.2.3.4.example"), std::string("0x7f.example"),
        std::string("xn--bcher-kva.example"), std::string("1e5"), longest})
    EXPECT_EQ(WhatIsWrongWithHostName(host), "") << host;
}

TEST_F(ResolverTest, SharesOneLookUp) {
  Resolver resolver(*loop_, workers_, Faked());
  dns_.Hold(true);
  Waiter waiters[5];
  for (Waiter& waiter : waiters) EXPECT_FALSE(resolver.Resolve("shared.example", 80, &waiter));
  waiters[0].Cancel();
  waiters[3].Cancel();
  EXPECT_FALSE(waiters[3].waiting());
  dns_.Hold(false);
  loop_->RunUntil([&] { return waiters[4].calls > 0; });
  EXPECT_EQ(dns_.asked("shared.example"), 1);
  EXPECT_EQ(waiters[0].calls + waiters[3].calls, 0);
  EXPECT_EQ(waiters[1].text, kInOrder);
  EXPECT_EQ(waiters[2].text, kTurned);
  EXPECT_EQ(waiters[4].text, kInOrder);
}

TEST_F(ResolverTest, TellsAllOfAFailure) {
  Resolver resolver(*loop_, workers_, Faked());
  dns_.Hold(true);
  Waiter waiters[3];
  for (Waiter& waiter : waiters) resolver.Resolve("missing.example", 80, &waiter);
  dns_.Hold(false);
  loop_->RunUntil([&] { return waiters[2].calls > 0; });
  for (Waiter& waiter : waiters) EXPECT_EQ(waiter.text, "CRECHE_E_DNS");
  EXPECT_EQ(waiters[0].error->fields().system_errno, EAI_NONAME);
  EXPECT_FALSE(waiters[0].error->retryable());
  EXPECT_TRUE(waiters[0].error->fields().flags & kUnsent);
  Waiter later;
  resolver.Resolve("later.example", 80, &later);
  loop_->RunUntil([&] { return later.calls > 0; });
  EXPECT_TRUE(later.error->retryable());
}

TEST_F(ResolverTest, KeepsForAWhileThatThereIsNoSuchName) {
  Resolver::Options options = Faked();
  options.missing_ttl = 3600 * kSecond;
  Resolver patient(*loop_, workers_, options);
  for (int i = 0; i < 3; i++) EXPECT_EQ(Ask(patient, "missing.example"), "CRECHE_E_DNS");
  EXPECT_EQ(dns_.asked("missing.example"), 1);
  patient.Forget("missing.example");
  EXPECT_EQ(Ask(patient, "missing.example"), "CRECHE_E_DNS");
  EXPECT_EQ(dns_.asked("missing.example"), 2);
  // What may be otherwise a moment later is asked for again.
  for (int i = 0; i < 2; i++) EXPECT_EQ(Ask(patient, "later.example"), "CRECHE_E_DNS");
  EXPECT_EQ(dns_.asked("later.example"), 2);

  options.missing_ttl = 1;  // over when the clock has moved
  Resolver brief(*loop_, workers_, options);
  for (int i = 0; i < 2; i++) Ask(brief, "missing.example");
  EXPECT_EQ(dns_.asked("missing.example"), 4);

  options.missing_ttl = 3600 * kSecond;
  options.ttl = 0;  // what is found is not kept, and so is what is not
  Resolver none(*loop_, workers_, options);
  for (int i = 0; i < 2; i++) Ask(none, "missing.example");
  EXPECT_EQ(dns_.asked("missing.example"), 6);
}

TEST_F(ResolverTest, FillsTheCacheEvenIfAllHaveCancelled) {
  Resolver resolver(*loop_, workers_, Faked());
  dns_.Hold(true);
  Waiter waiter;
  resolver.Resolve("some.example", 80, &waiter);
  dns_.AwaitQuestion("some.example");
  waiter.Cancel();
  dns_.Hold(false);
  loop_->RunUntil([&] { return resolver.Resolve("some.example", 80, &waiter).has_value(); });
  EXPECT_EQ(dns_.asked("some.example"), 1);
}

TEST_F(ResolverTest, AnswersAgeAndTheOldestGo) {
  Resolver::Options options = Faked();
  options.ttl = 1;  // over when the clock has moved
  Resolver brief(*loop_, workers_, options);
  Ask(brief, "some.example");
  Ask(brief, "some.example");
  EXPECT_EQ(dns_.asked("some.example"), 2);

  options.ttl = 3600 * kSecond;
  options.max_entries = 2;
  Resolver small(*loop_, workers_, options);
  for (const char* name : {"a.example", "b.example", "a.example", "c.example", "a.example"})
    Ask(small, name);
  EXPECT_EQ(lookups_.get(), 5u);
  Ask(small, "b.example");
  EXPECT_EQ(lookups_.get(), 6u);

  options.ttl = 0;
  Resolver none(*loop_, workers_, options);
  Ask(none, "d.example");
  Ask(none, "d.example");
  EXPECT_EQ(lookups_.get(), 8u);
}

TEST_F(ResolverTest, MayGoWhileALookUpRuns) {
  Waiter waiter;
  {
    Resolver resolver(*loop_, workers_, Faked());
    dns_.Hold(true);
    resolver.Resolve("some.example", 80, &waiter);
    dns_.AwaitQuestion("some.example");
  }
  EXPECT_FALSE(waiter.waiting());
  dns_.Hold(false);
  Resolver another(*loop_, workers_, Faked());
  EXPECT_EQ(Ask(another, "other.example"), kInOrder);
  EXPECT_EQ(waiter.calls, 0);
}

TEST_F(ResolverTest, EverythingMayGoInAnAnswer) {
  auto resolver = std::make_unique<Resolver>(*loop_, workers_, Faked());
  dns_.Hold(true);
  Waiter first, last;
  auto second = std::make_unique<Waiter>();
  resolver->Resolve("some.example", 80, &first);
  resolver->Resolve("some.example", 80, second.get());
  resolver->Resolve("some.example", 80, &last);
  first.then = [&] {
    resolver.reset();
    second.reset();
  };
  dns_.Hold(false);
  loop_->RunUntil([&] { return last.calls > 0; });
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(last.text, kTurned) << "the second of those who are left";
}

TEST_F(ResolverTest, AnswersAskedForInAnAnswerAreCached) {
  Resolver resolver(*loop_, workers_, Faked());
  Waiter waiter;
  std::string again;
  waiter.then = [&] { again = TextOf(*resolver.Resolve("some.example", 80, nullptr)); };
  resolver.Resolve("some.example", 80, &waiter);
  loop_->RunUntil([&] { return waiter.calls > 0; });
  EXPECT_EQ(again, kTurned);
}

TEST_F(ResolverTest, FailsWhenNoWorkerTakesIt) {
  Resolver resolver(*loop_, workers_, Faked());
  workers_.Stop();
  Waiter waiter;
  EXPECT_EQ(TextOf(*resolver.Resolve("some.example", 80, &waiter)), "CRECHE_E_SYSTEM");
  EXPECT_FALSE(waiter.waiting());
}

TEST_F(ResolverTest, ALoopThatHasEndedGetsNoAnswer) {
  Waiter waiter;
  Resolver resolver(*loop_, workers_, Faked());
  dns_.Hold(true);
  resolver.Resolve("some.example", 80, &waiter);
  dns_.AwaitQuestion("some.example");
  loop_->StopTakingJobs();
  dns_.Hold(false);
  waiter.Cancel();
}

TEST_F(ResolverTest, AsksTheSystemByDefault) {
  Resolver resolver(*loop_, workers_, {.lookups = &lookups_});
  char name[256];
  ASSERT_EQ(gethostname(name, sizeof name), 0);
  const std::string answer = Ask(resolver, name);
  EXPECT_TRUE(answer.find(":80") != answer.npos || answer == "CRECHE_E_DNS") << answer;
  EXPECT_EQ(lookups_.get(), 1u);
}

}  // namespace
}  // namespace creche
