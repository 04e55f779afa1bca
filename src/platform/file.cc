#include "platform/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace creche::platform {

int DuplicateFile(int fd, UniqueFd* copy) noexcept {
  const int made = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (made < 0) return errno;
  *copy = UniqueFd(made);
  return 0;
}

int CanWriteAt(int fd) noexcept {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return errno;
  if ((flags & O_ACCMODE) == O_RDONLY) return EBADF;
  return (flags & O_APPEND) != 0 ? EINVAL : 0;
}

int SizeBehind(int fd, uint64_t offset, uint64_t* size) noexcept {
  struct stat s;
  if (fstat(fd, &s) != 0) return errno;
  if (S_ISDIR(s.st_mode)) return EISDIR;
  if (!S_ISREG(s.st_mode)) return ESPIPE;
  const auto all = static_cast<uint64_t>(s.st_size);
  *size = all > offset ? all - offset : 0;
  return 0;
}

int WriteAt(int fd, uint64_t offset, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return EIO;
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return 0;
}

int ReadAt(int fd, uint64_t offset, std::string* into) noexcept {
  size_t had = 0;
  while (had < into->size()) {
    const ssize_t n =
        pread(fd, into->data() + had, into->size() - had, static_cast<off_t>(offset + had));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) break;
    had += static_cast<size_t>(n);
  }
  into->resize(had);
  return 0;
}

}  // namespace creche::platform
