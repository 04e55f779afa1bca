// Whole files, blocking: for calls that may block, and worker threads.
#pragma once
#include <string>

namespace creche::platform {

// Puts a file that only its owner may read (mode 0600) in the place of `path`, in one step: who
// reads it sees what was there before or all that is new. Returns 0 or an errno. May throw
// bad_alloc.
int WritePrivateFile(const char* path, const std::string& content);
// Returns 0 or an errno: EFBIG above 64 MiB. May throw bad_alloc.
int ReadWholeFile(const char* path, std::string* content);

}  // namespace creche::platform
