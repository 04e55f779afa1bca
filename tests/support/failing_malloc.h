/* malloc and its like, this program's own: they fail when a test says so, in the thread that says
 * it or in all of the process (libraries below, OpenSSL and libpq, included), and count what is
 * alive. */
#ifndef SUPPORT_FAILING_MALLOC_H
#define SUPPORT_FAILING_MALLOC_H

#include <errno.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t n, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);
extern void* __libc_realloc(void* block, size_t size);
extern void __libc_free(void* block);

static __thread int armed;      /* 1: count, and fail */
static __thread long countdown; /* fails when it reaches 0 ... */
static __thread int from_there; /* ... once, or from there on */
static __thread long failures;
static atomic_long blocks; /* alive */

#define EXPORTED __attribute__((visibility("default"))) /* the library finds them here */

static atomic_int all_armed;   /* the same for all threads at once ... */
static atomic_long all_left;   /* fails when it comes to 0; below: only counts */
static atomic_long all_asked;  /* how many there were */
static atomic_long all_failed; /* and failed */
static __thread int spared;    /* ... but for those that say so */
static const char* show_where; /* not NULL: a stack is written for what fails */

static int one_of_all_fails(void) {
  void* stack[32];
  atomic_fetch_add(&all_asked, 1);
  if (atomic_fetch_sub(&all_left, 1) != 1) return 0;
  atomic_fetch_add(&all_failed, 1);
  if (show_where != NULL) {
    spared++;
    backtrace_symbols_fd(stack, backtrace(stack, 32), 2);
    spared--;
  }
  errno = ENOMEM;
  return 1;
}
static int fails(void) {
  if (atomic_load_explicit(&all_armed, memory_order_relaxed) && !spared) return one_of_all_fails();
  if (!armed) return 0;
  if (countdown > 0 && --countdown > 0) return 0;
  if (countdown < 0) return 0;
  if (!from_there) countdown = -1;
  failures++;
  errno = ENOMEM;
  return 1;
}
EXPORTED void* malloc(size_t size) {
  void* block = fails() ? NULL : __libc_malloc(size);
  if (block != NULL) atomic_fetch_add(&blocks, 1);
  return block;
}
EXPORTED void* calloc(size_t n, size_t size) {
  void* block = fails() ? NULL : __libc_calloc(n, size);
  if (block != NULL) atomic_fetch_add(&blocks, 1);
  return block;
}
EXPORTED void* realloc(void* old, size_t size) {
  void* block = fails() ? NULL : __libc_realloc(old, size);
  if (block != NULL && old == NULL) atomic_fetch_add(&blocks, 1);
  return block;
}
EXPORTED void* memalign(size_t alignment, size_t size) {
  void* block = fails() ? NULL : __libc_memalign(alignment, size);
  if (block != NULL) atomic_fetch_add(&blocks, 1);
  return block;
}
EXPORTED void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}
EXPORTED int posix_memalign(void** block, size_t alignment, size_t size) {
  *block = memalign(alignment, size);
  return *block != NULL ? 0 : ENOMEM;
}
EXPORTED void free(void* block) {
  if (block != NULL) atomic_fetch_sub(&blocks, 1);
  __libc_free(block);
}

#endif
