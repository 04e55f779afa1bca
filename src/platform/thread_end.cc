#include "platform/thread_end.h"

#include <pthread.h>

namespace creche::platform {

bool AtThreadEnd(void (*clean)()) noexcept {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static pthread_key_t key;
  static bool made;
  pthread_once(&once, [] {
    made = pthread_key_create(&key, [](void* fn) { reinterpret_cast<void (*)()>(fn)(); }) == 0;
  });
  return made && pthread_setspecific(key, reinterpret_cast<void*>(clean)) == 0;
}

}  // namespace creche::platform
