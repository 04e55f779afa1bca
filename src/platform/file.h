// Files that somebody else has opened: read at an offset, whatever their own position is.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "platform/unique_fd.h"

namespace creche::platform {

// Another descriptor of the same open file. Returns 0 or an errno.
int DuplicateFile(int fd, UniqueFd* copy) noexcept;
// Whether what is written at an offset stays there: EBADF for a file that is not open for writing,
// EINVAL for one of O_APPEND, where Linux writes behind the end whatever the offset is; else 0.
int CanWriteAt(int fd) noexcept;
// The bytes behind `offset`, of a regular file or what else has a size. Returns 0 or an errno:
// ESPIPE for what has none.
int SizeBehind(int fd, uint64_t offset, uint64_t* size) noexcept;
// Fills *into, as long as it is, from `offset` on, or as far as the file goes. May block. Returns 0
// or an errno.
int ReadAt(int fd, uint64_t offset, std::string* into) noexcept;

// Writes all of `bytes` at `offset`. May block. Returns 0 or an errno (ENOSPC, EFBIG, EBADF,
// ESPIPE). Where SIGXFSZ is not blocked, that is what a file that would become too large raises.
int WriteAt(int fd, uint64_t offset, std::string_view bytes) noexcept;

}  // namespace creche::platform
