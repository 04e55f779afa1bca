// ServerEvent: an event on its way to the user, with what it takes of the room for those that have
// not been released.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/loop_job.h"
#include "core/ref.h"
#include "tasks/operation.h"

namespace creche::http {

// Twin of creche_server_event.
struct EventFields {
  uint32_t size;
  uint32_t connection;
  const char* type;
  size_t type_size;
  const char* data;
  size_t data_size;
  const char* id;
  size_t id_size;
};

// How many bytes of events the user has not released. Lives as long as there are any.
class EventRoom final : public RefCounted {
 public:
  class Owner {
   public:
    // There is room again. Loop's thread.
    virtual void OnRoom() noexcept = 0;

   protected:
    ~Owner() = default;
  };

  EventRoom(Loop& loop, Owner* owner, size_t most)
      : loop_(Ref<Loop>::Share(&loop)), owner_(owner), most_(most) {}
  bool full() const noexcept { return held_.load() >= most_; }
  void Take(size_t size) noexcept { held_.fetch_add(size); }
  // Any thread.
  void GiveBack(size_t size) noexcept {
    const size_t before = held_.fetch_sub(size);
    if (before >= most_ && before - size < most_) tell_.Submit(*loop_);
  }
  // The owner goes. Loop's thread.
  void Forget() noexcept { owner_ = nullptr; }

 private:
  void Tell() noexcept {
    if (owner_) owner_->OnRoom();
  }

  const Ref<Loop> loop_;
  Owner* owner_;
  const size_t most_;
  std::atomic<size_t> held_{0};
  LoopJob<&EventRoom::Tell> tell_{this};
};

class ServerEvent final : public tasks::Held {
 public:
  // What an event takes beside its text.
  static constexpr size_t kOverhead = 256;

  // May throw bad_alloc.
  ServerEvent(Ref<EventRoom> room, uint32_t connection, std::string_view type,
              std::string_view data, std::string_view id);
  ~ServerEvent() override { room_->GiveBack(taken()); }
  ServerEvent(const ServerEvent&) = delete;
  ServerEvent& operator=(const ServerEvent&) = delete;
  const EventFields& fields() const noexcept { return fields_; }

 private:
  size_t taken() const noexcept { return text_.size() + kOverhead; }

  const Ref<EventRoom> room_;
  std::string text_;  // each with a NUL behind it
  EventFields fields_;
};

}  // namespace creche::http
