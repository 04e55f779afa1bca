#include "platform/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "platform/unique_fd.h"

namespace creche::platform {

namespace {

constexpr size_t kMost = 64 << 20;

int WriteAll(int fd, const std::string& content) {
  for (size_t at = 0; at < content.size();) {
    const ssize_t n = write(fd, content.data() + at, content.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    at += static_cast<size_t>(n);
  }
  return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno;
}

}  // namespace

int WritePrivateFile(const char* path, const std::string& content) {
  std::string name = std::string(path) + ".XXXXXX";
  UniqueFd fd(mkostemp(name.data(), O_CLOEXEC));  // of mode 0600
  if (!fd) return errno;
  int error = WriteAll(fd.get(), content);
  if (error == 0 && fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0) error = errno;
  if (error == 0 && rename(name.c_str(), path) != 0) error = errno;
  if (error != 0) unlink(name.c_str());
  return error;
}

int ReadWholeFile(const char* path, std::string* content) {
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd) return errno;
  content->clear();
  char bytes[16384];
  for (;;) {
    const ssize_t n = read(fd.get(), bytes, sizeof bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return 0;
    if (content->size() + static_cast<size_t>(n) > kMost) return EFBIG;
    content->append(bytes, static_cast<size_t>(n));
  }
}

}  // namespace creche::platform
