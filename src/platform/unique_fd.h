// UniqueFd: owns a file descriptor.
#pragma once
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "platform/thread.h"

namespace creche::platform {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& o) noexcept {
    if (this != &o) Reset(std::exchange(o.fd_, -1));
    return *this;
  }
  ~UniqueFd() { Reset(); }
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int Release() noexcept { return std::exchange(fd_, -1); }
  // Closes the old one; errno stays as it was.
  void Reset(int fd = -1) noexcept {
    if (fd_ >= 0) {
      const int saved = errno;
      const NotCancelled here;
      ::close(fd_);
      errno = saved;
    }
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace creche::platform
