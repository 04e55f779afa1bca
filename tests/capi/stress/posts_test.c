/* Posts to a loop that is about to sleep, or polls busily: none is forgotten. All threads post at
 * about the same time and wait for their own before the next round, so that no other post can wake
 * a loop that has missed one. CRECHE_STRESS_SECONDS makes it longer. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "support/core.h"

enum { THREADS = 3, ROUNDS = 2000, AT_ONCE = 4 };

static creche_loop posted;
static pthread_barrier_t round_begins;
static atomic_int missed; /* a post was not run in time */
static atomic_int over;   /* this is the last round */
static atomic_ulong run;  /* posts that were */

typedef struct poster {
  int me;
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  int done; /* posts of this round that were run */
} poster;

static void on_post(void* user, const creche_completion* c) {
  poster* p = user;
  (void)c;
  atomic_fetch_add(&run, 1);
  pthread_mutex_lock(&p->mutex);
  p->done++;
  pthread_cond_signal(&p->cond);
  pthread_mutex_unlock(&p->mutex);
}

static int64_t clock_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * CRECHE_SECOND + t.tv_nsec;
}

/* 1 if all of them were run, however late, as long as nobody can tell it from never. */
static int await(poster* p, int posts) {
  struct timespec until;
  int failed = 0;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += PATIENCE / CRECHE_SECOND;
  pthread_mutex_lock(&p->mutex);
  while (p->done < posts && failed == 0)
    failed = pthread_cond_timedwait(&p->cond, &p->mutex, &until);
  const int all = p->done == posts;
  p->done = 0;
  pthread_mutex_unlock(&p->mutex);
  return all;
}

static void* post_and_wait(void* arg) {
  poster* p = arg;
  uint32_t seed = (uint32_t)p->me + 1;
  for (;;) {
    pthread_barrier_wait(&round_begins);
    if (atomic_load(&over)) return NULL;
    /* Anywhere between the end of the last turn and a sleep of long standing. */
    seed = seed * 1664525u + 1013904223u;
    const int64_t begin = clock_now(), pause = seed >> 8 & 3 ? (seed >> 10) % 100000 : 0;
    while (clock_now() - begin < pause) sched_yield();
    const int posts = 1 + (int)((seed >> 28) % AT_ONCE);
    for (int i = 0; i < posts; i++)
      if (creche_loop_post(posted, on_post, p) != CRECHE_OK) atomic_store(&missed, 1);
    if (!await(p, posts)) atomic_store(&missed, 1);
    pthread_barrier_wait(&round_begins);
  }
}

static void none_is_missed(int64_t busy_poll) {
  const char* seconds = getenv("CRECHE_STRESS_SECONDS");
  const int64_t until = clock_now() + (seconds ? atoi(seconds) * CRECHE_SECOND / 4 : 0);
  creche_loop_options o;
  pthread_t threads[THREADS];
  poster posters[THREADS];
  OK(creche_loop_options_init(&o, sizeof o));
  o.busy_poll = busy_poll;
  OK(creche_loop_open(&o, &posted));
  pthread_barrier_init(&round_begins, NULL, THREADS + 1);
  atomic_store(&over, 0);
  for (int i = 0; i < THREADS; i++) {
    posters[i] = (poster){.me = i};
    pthread_mutex_init(&posters[i].mutex, NULL);
    pthread_cond_init(&posters[i].cond, NULL);
    assert_int_equal(pthread_create(&threads[i], NULL, post_and_wait, &posters[i]), 0);
  }
  for (int i = 0; (i < ROUNDS || clock_now() < until) && !atomic_load(&missed); i++) {
    pthread_barrier_wait(&round_begins);
    pthread_barrier_wait(&round_begins);
  }
  atomic_store(&over, 1);
  pthread_barrier_wait(&round_begins);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&posters[i].mutex);
    pthread_cond_destroy(&posters[i].cond);
  }
  pthread_barrier_destroy(&round_begins);
  OK(creche_loop_close(posted));
  OK(creche_loop_join(posted, PATIENCE));
  assert_int_equal(atomic_load(&missed), 0);
  assert_true(atomic_load(&run) > 0);
}

static void test_sleeps_at_once(void** state) {
  (void)state;
  none_is_missed(0);
}
static void test_polls_for_a_moment(void** state) {
  (void)state;
  none_is_missed(2 * CRECHE_MICROSECOND);
}
static void test_polls_as_long_as_it_pays(void** state) {
  (void)state;
  none_is_missed(50 * CRECHE_MICROSECOND);
}
static void test_hardly_ever_sleeps(void** state) {
  (void)state;
  none_is_missed(CRECHE_MILLISECOND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sleeps_at_once),
      cmocka_unit_test(test_polls_for_a_moment),
      cmocka_unit_test(test_polls_as_long_as_it_pays),
      cmocka_unit_test(test_hardly_ever_sleeps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
