/* A callback that blocks its loop until the test says so. */
#ifndef SUPPORT_BLOCKER_H
#define SUPPORT_BLOCKER_H

#include <pthread.h>

#include <creche/creche.h>

typedef struct blocker {
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  int blocking, go;
} blocker;
#define BLOCKER \
  { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 }

/* The callback; later calls of it do not block. */
static inline void block_until_told(void* user, const creche_completion* c) {
  blocker* b = user;
  (void)c;
  pthread_mutex_lock(&b->mutex);
  b->blocking = 1;
  pthread_cond_broadcast(&b->cond);
  while (!b->go) pthread_cond_wait(&b->cond, &b->mutex);
  pthread_mutex_unlock(&b->mutex);
}
static inline void await_blocked(blocker* b) {
  pthread_mutex_lock(&b->mutex);
  while (!b->blocking) pthread_cond_wait(&b->cond, &b->mutex);
  pthread_mutex_unlock(&b->mutex);
}
static inline void unblock(blocker* b) {
  pthread_mutex_lock(&b->mutex);
  b->go = 1;
  pthread_cond_broadcast(&b->cond);
  pthread_mutex_unlock(&b->mutex);
}

#endif
