#include "core/connect/connector.h"

#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <string>

#include "memory_transport.h"
#include "test_loop.h"

namespace creche {
namespace {

using test::MemoryTransport;
using test::TestLoop;

// A step that does what the test says, and notes when it is started and destroyed.
class Step final : public ConnectStep {
 public:
  using Do = std::function<void(Connecting*, Listener*)>;
  Step(char name, std::string* log, Do act, Nanos time = kNever)
      : ConnectStep(Phase::kConnect, {time, "timeouts.x"}),
        name_(name),
        log_(log),
        act_(std::move(act)) {}
  ~Step() override { *log_ += std::string("~") + name_; }
  ErrorRef Prepare() override {
    *log_ += static_cast<char>(name_ - 'a' + 'A');
    return refused;
  }
  void Start(Connecting* so_far, Listener* listener) override {
    *log_ += name_;
    act_(so_far, listener);
  }
  ErrorRef TimedOut(const Connecting& so_far) override {
    return TimeoutError("no " + so_far.host, ": look after it");
  }
  ErrorRef refused;

 private:
  const char name_;
  std::string* const log_;
  const Do act_;
};

void Done(Connecting*, ConnectStep::Listener* listener) {
  listener->OnStepDone();
}
void Arrive(Connecting* so_far, ConnectStep::Listener* listener) {
  so_far->transport = std::make_unique<MemoryTransport>();
  listener->OnStepDone();
}

class ConnectorTest : public testing::Test, public Connector::Listener {
 protected:
  void Add(char name, Step::Do act, Nanos time = kNever) {
    steps_.push_back(std::make_unique<Step>(name, &log_, std::move(act), time));
  }
  void Start() {
    connector_ =
        std::make_unique<Connector>(*loop_, Connecting{.host = "host"}, std::move(steps_), this);
    connector_->Start();
  }
  void OnConnected(std::unique_ptr<Transport> transport) noexcept override {
    told_++;
    transport_ = std::move(transport);
    if (goes_) connector_.reset();
  }
  void OnConnectFailed(ErrorRef error) noexcept override {
    told_++;
    error_ = std::move(error);
    if (goes_) connector_.reset();
  }

  void OnPhaseDone(Phase, Nanos time) noexcept override {
    done_++;
    EXPECT_GE(time, 0);
  }

  const Ref<TestLoop> loop_ = TestLoop::Open();
  std::string log_;
  Connector::Steps steps_;
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<Transport> transport_;
  ErrorRef error_;
  int told_ = 0;
  int done_ = 0;
  bool goes_ = true;
};

TEST_F(ConnectorTest, TakesItsStepsInOrder) {
  Add('a', Done);
  Add('b', Arrive);
  Add('c', Done);
  Start();
  EXPECT_EQ(log_, "ABCabc~c~b~a");
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(done_, 3);
  ASSERT_TRUE(transport_);
  EXPECT_TRUE(transport_->reading());
}

TEST_F(ConnectorTest, WaitsForAStep) {
  ConnectStep::Listener* waiting = nullptr;
  Connecting* reached = nullptr;
  Add('a', [&](Connecting* so_far, ConnectStep::Listener* listener) {
    reached = so_far;
    waiting = listener;
  });
  Add('b', Done);
  Start();
  EXPECT_EQ(told_, 0);
  reached->transport = std::make_unique<MemoryTransport>();
  waiting->OnStepDone();
  EXPECT_EQ(told_, 1);
  EXPECT_TRUE(transport_);
}

TEST_F(ConnectorTest, AFailureIsTheEnd) {
  Add('a', Done);
  Add('b', [](Connecting*, ConnectStep::Listener* listener) {
    listener->OnStepFailed(NoMemoryError());
  });
  Add('c', Done);
  Start();
  EXPECT_EQ(log_, "ABCab~c~b~a");
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(error_->status(), Status::kNoMemory);
}

TEST_F(ConnectorTest, AStepWithoutMemoryFails) {
  Add('a', [](Connecting*, ConnectStep::Listener*) { throw std::bad_alloc(); });
  Start();
  EXPECT_EQ(error_->status(), Status::kNoMemory);
}

TEST_F(ConnectorTest, NothingIsStartedIfOneCannotPrepare) {
  Add('a', Done);
  Add('b', Done);
  static_cast<Step&>(*steps_[1]).refused = NoMemoryError();
  Start();
  EXPECT_EQ(log_, "AB~b~a");
  EXPECT_EQ(error_->status(), Status::kNoMemory);
}

TEST_F(ConnectorTest, ALateStepMayHaveAllDoneAnew) {
  int rounds = 0;
  Add('a', Arrive);
  Add('b', [&](Connecting* so_far, ConnectStep::Listener* listener) {
    EXPECT_TRUE(so_far->transport);
    if (++rounds == 1) return listener->OnStepWantsAnew();
    listener->OnStepDone();
  });
  Start();
  EXPECT_EQ(log_, "ABabab~b~a");
  EXPECT_TRUE(transport_);
}

TEST_F(ConnectorTest, EachStepHasATimeOfItsOwn) {
  goes_ = false;
  Add('a', Done, kMillisecond);
  Add(
      'b', [](Connecting*, ConnectStep::Listener*) {}, 2 * kMillisecond);
  Start();
  loop_->RunUntil([&] { return told_ > 0; });
  EXPECT_EQ(error_->status(), Status::kTimeout);
  EXPECT_EQ(error_->phase(), Phase::kConnect);
  EXPECT_EQ(error_->message(), std::string("no host in 2 ms: look after it, or raise timeouts.x"));
}

TEST_F(ConnectorTest, DestroyedItTellsNobody) {
  Add(
      'a', [](Connecting*, ConnectStep::Listener*) {}, kMillisecond);
  Start();
  connector_.reset();
  EXPECT_EQ(log_, "Aa~a");
  EXPECT_EQ(told_, 0);
}

}  // namespace
}  // namespace creche
