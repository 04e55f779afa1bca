// HostRate: how often the requests of a session go to each host: a bucket of tokens for each, and a
// line of those who wait for one, first in, first out. Loop's thread only.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/loop.h"
#include "http/hold.h"

namespace creche::http {

class HostRate {
 public:
  struct Limit {
    uint32_t requests = 0;  // in `per`; 0: no limit
    Nanos per = kSecond;
    uint32_t burst = 1;  // at once, after a pause
  };

  HostRate(Loop& loop, const Limit& limit);
  HostRate(const HostRate&) = delete;
  HostRate& operator=(const HostRate&) = delete;
  // Takes a token: true; else the call waits in *hold, and has its token when it goes on. May throw
  // bad_alloc.
  bool Take(std::string_view host, Held* held, std::unique_ptr<Hold>* hold);

 private:
  struct Bucket {
    Bucket(HostRate* of, Loop& loop);
    HostRate* const rate;
    Nanos next = 0;  // when it is full again, less what a burst may take before
    Hold::Line waiting;
    Timer timer;
    bool serving = false;
  };
  Nanos When(const Bucket& bucket) const noexcept { return bucket.next - (burst_ - 1) * gap_; }
  bool TakeFrom(Bucket* bucket, Nanos now) noexcept;
  void Serve(Bucket* bucket) noexcept;
  void Sweep(Nanos now);

  static constexpr size_t kSweepAt = 1000;
  Loop& loop_;
  const Nanos gap_;
  const Nanos burst_;
  size_t sweep_at_ = kSweepAt;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace creche::http
