/* The end of a loop: gently, with what is left named; and in the child of a fork. */
#include <dirent.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/core.h"
#include "support/hostile.h"

/* ---- Shutdown ---- */
/* No new root work, the old goes on and may start more; after the grace it is cancelled; who does
 * not obey is named; when all have ended the session is closed too. */
static void gently(void** state) {
  seen in_time = {0}, late = {0}, step = {0}, obeys = {0}, b = {0}, s = {0};
  creche_task_options t = task_options();
  creche_group_options o = group_options();
  creche_group group;
  creche_task task;
  creche_session session;
  const int64_t start = now();
  (void)state;
  OK(creche_session_open(loop, NULL, &session));
  group = group_in(loop.scope, &o, &s);
  t.name = "the stubborn one";
  t.site = "stubborn.c:9";
  OK(creche_task_spawn(group.scope, body_waits, &b, &t, see, &late, &task));
  OK(creche_task_spawn(group.scope, body_obeys, &obeys, NULL, see, &obeys, NULL));
  settle();
  /* Long enough for what starts in it, on a busy machine too. */
  OK(creche_loop_shutdown(loop, 500 * CRECHE_MILLISECOND));
  IS(creche_sleep(loop.scope, 0, NULL, see, &s, NULL), CRECHE_E_CLOSED);
  IS(creche_group_open(loop.scope, NULL, see, &s, NULL), CRECHE_E_CLOSED);
  OK(creche_sleep(group.scope, CRECHE_MILLISECOND, NULL, see, &in_time, NULL));
  OK(creche_sleep_until(task.scope, CRECHE_NEVER, NULL, see, &step, NULL));
  until(&in_time.finals, 1);
  assert_int_equal(in_time.status, CRECHE_OK); /* it went on */
  until(&b.cancels, 1);
  assert_true(now() - start >= 500 * CRECHE_MILLISECOND);
  until(&step.finals, 1);
  assert_int_equal(step.status, CRECHE_E_CANCELLED);
  assert_int_equal(step.reason, CRECHE_REASON_SHUTDOWN);
  until(&obeys.finals, 1);
  IS(creche_loop_join(loop, 10 * CRECHE_MILLISECOND), CRECHE_E_TIMEOUT);
  last_error_says("task \"the stubborn one\" at stubborn.c:9 (running)");
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_loop_run(loop));
  assert_int_equal(late.status, CRECHE_E_CANCELLED);
  creche_session_release(session);
}

/* What the loop owns is closed by its end, however it ends: connections that are kept, a response
 * that is being read, sessions, pools; what was idle is not waited for. */
static void keeps_open(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  support_await_close(peer);
}
static void closes_what_is_open(void** state) {
  support_hostile* server = support_hostile_start(keeps_open, NULL);
  creche_session session;
  creche_session_counters count;
  creche_pool pool;
  creche_pool_counters pool_count;
  seen s = {0}, own = {0};
  (void)state;
  assert_non_null(server);
  OK(creche_session_open(loop, NULL, &session));
  OK(creche_pool_open(loop, "host=127.0.0.1 port=1", NULL, &pool));
  OK(creche_session_fetch(session, loop.scope, support_hostile_url(server), NULL, see, &s, NULL));
  until(&s.finals, 1);
  IS(s.status, CRECHE_OK);
  creche_value_release(s.value);
  OK(creche_session_get_counters(session, &count, sizeof count));
  assert_int_equal(count.idle, 1);
  assert_int_equal(support_hostile_open(server), 1);
  OK(creche_loop_shutdown(loop, CRECHE_NEVER)); /* nothing runs: it ends at once */
  OK(creche_loop_run(loop));
  assert_true(support_hostile_await_open(server, 0, 20000));
  assert_int_equal(loop_seen.finals, 1);
  /* Closed, by the loop and not by us; gone with the join. */
  assert_int_not_equal(
      creche_session_fetch(session, loop.scope, "http://h/", NULL, see, &own, NULL), CRECHE_OK);
  assert_int_not_equal(
      creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, see, &own, NULL), CRECHE_OK);
  OK(creche_loop_join(loop, PATIENCE));
  IS(creche_session_get_counters(session, &count, sizeof count), CRECHE_E_ENDED);
  IS(creche_pool_get_counters(pool, &pool_count, sizeof pool_count), CRECHE_E_ENDED);
  creche_session_release(session); /* harmless */
  creche_pool_release(pool);
  assert_int_equal(own.finals, 0);
  support_hostile_stop(server);
}

/* A group with a grace names who overstays it. */
static void grace_names_the_slow(void** state) {
  seen g = {0}, b = {0}, s = {0};
  creche_group_options o = group_options();
  creche_group group;
  creche_task task;
  (void)state;
  o.grace = 5 * CRECHE_MILLISECOND;
  group = group_in(loop.scope, &o, &g);
  OK(creche_task_spawn(group.scope, body_waits, &b, NULL, see, &s, &task));
  settle();
  OK(creche_loop_shutdown(loop, CRECHE_MILLISECOND));
  until(&b.stalls, 1);
  assert_int_equal(b.cancels, 1);
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  OK(creche_loop_run(loop));
  assert_int_equal(s.finals + g.finals, 2);
}

/* ---- After fork ---- */
static int descriptors_like(const char* part) {
  DIR* folder = opendir("/proc/self/fd");
  struct dirent* entry;
  int count = 0;
  if (folder == NULL) return -1;
  while ((entry = readdir(folder)) != NULL) {
    char to[128];
    const ssize_t n = readlinkat(dirfd(folder), entry->d_name, to, sizeof to - 1);
    if (n < 0) continue;
    to[n] = '\0';
    count += strstr(to, part) != NULL;
  }
  closedir(folder);
  return count;
}

/* A child gives back the descriptors of its parent's loop; the parent goes on with its own. */
static void abandoned_in_a_child(void** state) {
  creche_loop l, other;
  creche_queue queue;
  creche_task_options t = task_options();
  creche_completion c;
  size_t n;
  int status, i;
  pid_t child;
  const int epolls = descriptors_like("[eventpoll]"), events = descriptors_like("[eventfd]");
  (void)state;
  OK(creche_loop_open(NULL, &other)); /* stays the child's burden: it does not abandon this one */
  OK(creche_loop_open(NULL, &l));
  assert_int_equal(descriptors_like("[eventpoll]"), epolls + 2);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    int wrong = creche_loop_abandon(l) != CRECHE_OK;
    wrong |= (descriptors_like("[eventpoll]") != epolls + 1) << 1;
    wrong |= (descriptors_like("[eventfd]") != events + 1) << 2;
    wrong |= (creche_loop_abandon(l) != CRECHE_OK) << 3;
    wrong |= (descriptors_like("[eventpoll]") != epolls + 1) << 4;
    _exit(wrong);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  /* The parent's set still has what it had: wake-ups from this thread arrive. */
  OK(creche_queue_open(l, NULL, &queue));
  t.queue = queue;
  for (i = 0; i < 20; i++) {
    OK(creche_sleep(l.scope, CRECHE_MICROSECOND, &t, NULL, NULL, NULL));
    OK(creche_queue_wait(queue, &c, 1, PATIENCE, &n));
    assert_int_equal(n, 1);
    creche_completions_release(&c, n);
  }
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, PATIENCE));
  assert_int_equal(descriptors_like("[eventpoll]"), epolls);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(gently), TEST(closes_what_is_open),
                                     TEST(grace_names_the_slow), TEST(abandoned_in_a_child)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
