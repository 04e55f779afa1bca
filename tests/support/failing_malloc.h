/* malloc and its like, this program's own: they fail when a test says so, in the thread that says
 * it, and count what is alive. */
#ifndef SUPPORT_FAILING_MALLOC_H
#define SUPPORT_FAILING_MALLOC_H

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t n, size_t size);
extern void* __libc_realloc(void* block, size_t size);
extern void __libc_free(void* block);

static __thread int armed;      /* 1: count, and fail */
static __thread long countdown; /* fails when it reaches 0 ... */
static __thread int from_there; /* ... once, or from there on */
static __thread long failures;
static atomic_long blocks; /* alive */

#define EXPORTED __attribute__((visibility("default"))) /* the library finds them here */

static int fails(void) {
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
EXPORTED void free(void* block) {
  if (block != NULL) atomic_fetch_sub(&blocks, 1);
  __libc_free(block);
}

#endif
