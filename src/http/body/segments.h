// Segments: a body that is made of bytes and of pieces of files, one behind the other. Files are
// read by workers.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/loop.h"
#include "http/body/producer.h"
#include "platform/unique_fd.h"

namespace creche::http {

struct Segment {
  std::string bytes = {};
  // Or this much of a file.
  platform::UniqueFd file = {};
  uint64_t offset = 0;
  uint64_t size = 0;

  uint64_t length() const { return file ? size : bytes.size(); }
};

class Segments final : public BodyProducer {
 public:
  Segments(Loop& loop, std::vector<Segment> segments);
  ~Segments() override;
  uint64_t size() const { return size_; }
  std::unique_ptr<BodyProducer> Clone() const override;
  void Rewind() noexcept override;
  bool Produce(Listener* listener) noexcept override;

 private:
  class Reading;
  Segments(Loop& loop, std::shared_ptr<const std::vector<Segment>> segments);
  bool Read(const Segment& segment) noexcept;
  void OnTimer() noexcept;
  void OnRead(Reading* reading) noexcept;
  void Forget() noexcept;
  void Tell(std::string piece) noexcept;

  Loop& loop_;
  const std::shared_ptr<const std::vector<Segment>> segments_;
  uint64_t size_ = 0;
  size_t next_ = 0;    // the segment that goes on,
  uint64_t done_ = 0;  // and how much of it was given
  Listener* listener_ = nullptr;
  Reading* reading_ = nullptr;  // under way
  Timer timer_;                 // bytes are told of in the next turn
};

}  // namespace creche::http
