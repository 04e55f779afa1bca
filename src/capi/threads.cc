// creche/threads.h
#include <creche/threads.h>

#include <cerrno>
#include <cstring>

#include "capi/options.h"
#include "platform/thread_options.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_threads_options Defaults() noexcept {
  creche_threads_options o{};
  o.size = sizeof o;
  o.prefix = "creche";
  return o;
}

}  // namespace creche::capi

extern "C" {

creche_status creche_threads_options_init(creche_threads_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_set_threads(const creche_threads_options* options) {
  return Guard([&]() -> creche_status {
    creche_threads_options o;
    if (const creche_status failed = ReadOptions(options, &o, 0, "creche_threads_options"))
      return failed;
    platform::ThreadOptions read;
    const size_t length = o.prefix ? strlen(o.prefix) : 0;
    if (length == 0 || length >= sizeof read.prefix)
      return Fail(Status::kInvalid,
                  "creche_threads_options.prefix is empty or longer than %zu bytes",
                  sizeof read.prefix - 1);
    memcpy(read.prefix, o.prefix, length + 1);
    read.stack_size = o.stack_size;
    read.workers = o.workers;
    if (platform::SetThreadOptions(read) != 0)
      return Fail(Status::kInvalid,
                  "creche_threads_options.stack_size is %llu, which the system does not take: give "
                  "at least 16 KiB (PTHREAD_STACK_MIN), or 0 for its default",
                  static_cast<unsigned long long>(o.stack_size));
    return CRECHE_OK;
  });
}

}  // extern "C"
