/* Calls that block, of HTTP: the default loop, results and failures, what stops one, who may not
 * call. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/core.h"
#include "support/hostile.h"
#include "support/support.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static support_hostile* server;

/* Answers when it is told to, once for each connection. */
static void when_told(support_peer* peer, void* user) {
  if (!support_expect_request(peer)) return;
  support_count_request(peer);
  if (support_await(peer, 1)) support_send_text(peer, user);
  support_await_close(peer);
}

static int start_server(void** state) {
  (void)state;
  server = support_hostile_start(support_script_answer, ANSWER);
  return server == NULL;
}
static int start_slow_server(void** state) {
  (void)state;
  server = support_hostile_start(when_told, ANSWER);
  return server == NULL;
}
static int stop_all(void** state) {
  (void)state;
  const creche_status closed = creche_default_close(PATIENCE);
  support_hostile_stop(server);
  return closed != CRECHE_OK;
}

static creche_request_options request_options(void) {
  creche_request_options o;
  OK(creche_request_options_init(&o, sizeof o));
  return o;
}
static creche_loop default_loop(void) {
  creche_loop l;
  OK(creche_default_loop(&l));
  return l;
}
/* One of its own, where the test has none of core.h. */
static creche_session session_on(creche_loop l) {
  creche_session session;
  OK(creche_session_open(l, NULL, &session));
  return session;
}

/* ---- What it returns ---- */
static void a_page(void** state) {
  creche_response page, again;
  size_t size = 99;
  (void)state;
  OK(creche_fetch(support_hostile_url(server), NULL, &page));
  assert_string_equal(creche_response_body(page, &size), "ok");
  assert_int_equal(size, 2);
  assert_int_equal(creche_response_status(page), 200);
  OK(creche_fetch(support_hostile_url(server), NULL, &again));
  assert_int_equal(support_hostile_connections(server), 1); /* one session, which keeps them */
  OK(creche_default_close(PATIENCE));
  assert_string_equal(creche_response_body(again, NULL), "ok"); /* it is the caller's */
  creche_response_release(again);
  creche_response_release(page);
  assert_null(creche_response_body(page, &size));
  assert_int_equal(size, 0);
}
static void no_body(void** state) {
  creche_request_options o = request_options();
  creche_response page;
  size_t size = 99;
  (void)state;
  o.method = "HEAD";
  OK(creche_fetch(support_hostile_url(server), &o, &page));
  assert_string_equal(creche_response_body(page, &size), "");
  assert_int_equal(size, 0);
  creche_response_release(page);
}
static void a_stream_has_none(void** state) {
  creche_session web = session_on(loop);
  creche_completion c;
  creche_queue queue;
  size_t n;
  (void)state;
  OK(creche_queue_open(loop, NULL, &queue));
  to_queue = task_options();
  to_queue.queue = queue;
  creche_request_options o = request_options();
  o.task = &to_queue;
  OK(creche_session_send(web, loop.scope, support_hostile_url(server), &o, NULL, NULL, NULL));
  OK(creche_queue_wait(queue, &c, 1, PATIENCE, &n));
  OK(c.status);
  assert_null(creche_response_body((creche_response){c.value}, NULL));
  last_error_says("creche_response_read");
  creche_completions_release(&c, 1);
}

/* ---- Failures ---- */
static void all_of_the_failure(void** state) {
  creche_request_options o = request_options();
  creche_response page = {99};
  const creche_error* kept;
  (void)state;
  support_hostile_stop(server);
  server = support_hostile_start(support_script_answer,
                                 "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
  o.flags = CRECHE_REQUEST_FAIL_ON_STATUS;
  IS(creche_fetch(support_hostile_url(server), &o, &page), CRECHE_E_HTTP_STATUS);
  assert_int_equal(page.id, 0);
  assert_int_equal(creche_last_error()->status, CRECHE_E_HTTP_STATUS);
  assert_int_equal(creche_last_error()->http_status, 404);
  assert_string_equal(creche_last_error()->http_body, "gone");
  assert_int_equal(creche_last_error()->phase, CRECHE_PHASE_HEADERS);
  /* Another thread has its own; this one's may be kept beyond the next failure. */
  kept = creche_error_keep(creche_last_error());
  assert_ptr_not_equal(kept, creche_last_error());
  creche_error_release(creche_last_error()); /* harmless, as ever */
  IS(creche_fetch(NULL, NULL, &page), CRECHE_E_INVALID);
  assert_null(creche_last_error()->http_body);
  assert_int_equal(creche_last_error()->http_status, 0);
  assert_string_equal(kept->http_body, "gone");
  creche_error_release(kept);
}
static void what_depends_on_content(void** state) {
  creche_response page = {99};
  (void)state;
  IS(creche_fetch("nonsense", NULL, &page), CRECHE_E_URL);
  assert_int_equal(page.id, 0);
  assert_int_equal(creche_last_error()->status, CRECHE_E_URL);
  assert_true(strlen(creche_last_error()->message) > 20);
  IS(creche_fetch("http://127.0.0.1:1/", NULL, &page), CRECHE_E_CONNECT);
  assert_int_equal(creche_last_error()->phase, CRECHE_PHASE_CONNECT);
}
/* What a thread that ends had as its last error goes with it (LeakSanitizer sees if not). */
static void* fails_and_ends(void* user) {
  creche_response page;
  (void)user;
  return (void*)(intptr_t)(creche_fetch("nonsense", NULL, &page) != CRECHE_E_URL ||
                           creche_last_error()->status != CRECHE_E_URL);
}
static void a_thread_that_ends(void** state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    pthread_t thread;
    void* wrong;
    assert_int_equal(pthread_create(&thread, NULL, fails_and_ends, NULL), 0);
    pthread_join(thread, &wrong);
    assert_null(wrong);
  }
}
static void misuse(void** state) {
  creche_request_options o = request_options();
  creche_response page = {99};
  creche_loop l = {{99}};
  (void)state;
  IS(creche_default_loop(NULL), CRECHE_E_INVALID);
  IS(creche_default_close(-1), CRECHE_E_INVALID);
  IS(creche_fetch(support_hostile_url(server), NULL, NULL), CRECHE_E_INVALID);
  IS(creche_fetch_in((creche_session){0}, (creche_scope){0}, "http://h/", NULL, &page),
     CRECHE_E_BAD_HANDLE);
  assert_int_equal(page.id, 0);
  o.flags = CRECHE_REQUEST_PULL_BODY;
  IS(creche_fetch(support_hostile_url(server), &o, &page), CRECHE_E_INVALID);
  last_error_says("creche_session_fetch");
  o.flags = 1u << 31;
  IS(creche_fetch(support_hostile_url(server), &o, &page), CRECHE_E_UNSUPPORTED);
  /* In a scope of another loop than the session's. */
  OK(creche_default_loop(&l));
  IS(creche_fetch_in(session_on(l), loop.scope, "http://h/", NULL, &page), CRECHE_E_WRONG_LOOP);
  assert_int_equal(support_hostile_connections(server), 0);
}

/* ---- What stops it ---- */
static void its_time(void** state) {
  creche_request_options o = request_options();
  creche_task_options task = task_options();
  creche_response page;
  (void)state;
  task.timeout = 20 * CRECHE_MILLISECOND;
  o.task = &task;
  IS(creche_fetch(support_hostile_url(server), &o, &page), CRECHE_E_TIMEOUT);
  assert_int_equal(creche_last_error()->reason, CRECHE_REASON_DEADLINE);
  task.on_timeout = CRECHE_MOVE_ON;
  IS(creche_fetch(support_hostile_url(server), &o, &page), CRECHE_E_CANCELLED);
}

static creche_scope to_stop;
static void* stops_it(void* user) {
  (void)user;
  const int there = support_hostile_await_requests(server, 1, PATIENCE_MS);
  return (void*)(intptr_t)(!there || creche_scope_cancel(to_stop, "enough") != CRECHE_OK);
}
static void another_thread_cancels(void** state) {
  creche_loop l = default_loop();
  creche_session web = session_on(l);
  creche_response page;
  pthread_t thread;
  void* wrong;
  (void)state;
  OK(creche_scope_open(l.scope, NULL, &to_stop));
  assert_int_equal(pthread_create(&thread, NULL, stops_it, NULL), 0);
  IS(creche_fetch_in(web, to_stop, support_hostile_url(server), NULL, &page), CRECHE_E_CANCELLED);
  assert_int_equal(creche_last_error()->reason, CRECHE_REASON_EXPLICIT);
  assert_string_equal(creche_last_error()->reason_text, "enough");
  pthread_join(thread, &wrong);
  assert_null(wrong);
  OK(creche_scope_leave(to_stop, NULL));
  support_hostile_signal(server); /* its connection was closed: the server finds out now */
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
}

/* A signal does not end it, whatever its handler was installed with; an interrupt does. */
static atomic_int signals;
static void on_signal(int number) {
  if (number == SIGUSR2) creche_scope_interrupt(to_stop);
  signals++;
}
typedef struct signaller {
  pthread_t to;
  int number;
} signaller;
static void* sends_signals(void* user) {
  const signaller* s = user;
  int there = support_hostile_await_requests(server, 1, PATIENCE_MS);
  for (int i = 0; there && i < 3; i++) { /* each has been handled before the next */
    const int before = signals;
    pthread_kill(s->to, s->number);
    for (int64_t end = now_ms() + PATIENCE_MS; signals == before;)
      if (now_ms() > end) return "no signal came";
  }
  if (s->number == SIGUSR1) support_hostile_signal(server); /* now it answers */
  return there ? NULL : "no request";
}
static void handle(int number) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigaction(number, &action, NULL);
}
static void signals_do_not_end_it(void** state) {
  signaller s = {pthread_self(), SIGUSR1};
  creche_response page;
  pthread_t thread;
  void* wrong;
  (void)state;
  handle(SIGUSR1);
  assert_int_equal(pthread_create(&thread, NULL, sends_signals, &s), 0);
  OK(creche_fetch(support_hostile_url(server), NULL, &page));
  pthread_join(thread, &wrong);
  if (wrong) fail_msg("%s", (char*)wrong);
  creche_response_release(page);
}
static void an_interrupt_does(void** state) {
  signaller s = {pthread_self(), SIGUSR2};
  creche_loop l = default_loop();
  creche_session web = session_on(l);
  creche_response page;
  pthread_t thread;
  void* wrong;
  (void)state;
  OK(creche_scope_open(l.scope, NULL, &to_stop));
  handle(SIGUSR2);
  assert_int_equal(pthread_create(&thread, NULL, sends_signals, &s), 0);
  IS(creche_fetch_in(web, to_stop, support_hostile_url(server), NULL, &page), CRECHE_E_CANCELLED);
  assert_int_equal(creche_last_error()->reason, CRECHE_REASON_INTERRUPT);
  pthread_join(thread, &wrong);
  support_hostile_signal(server);
  if (wrong) fail_msg("%s", (char*)wrong);
  OK(creche_scope_leave(to_stop, NULL));
}

/* ---- Whose loop ---- */
/* The thread that runs a loop turns it; an hour of a virtual clock takes no time. */
static void a_loop_that_this_thread_runs(void** state) {
  creche_session web = session_on(loop);
  creche_scope section = scope_in(loop.scope, NULL);
  creche_response page;
  (void)state;
  for (int i = 0; i < 3; i++) {
    OK(creche_fetch_in(web, section, support_hostile_url(server), NULL, &page));
    assert_string_equal(creche_response_body(page, NULL), "ok");
    creche_response_release(page);
  }
  OK(creche_scope_leave(section, NULL));
}
static void an_hour_of_a_virtual_clock(void** state) {
  creche_request_options o = request_options();
  creche_task_options task = task_options();
  creche_response page;
  (void)state;
  task.timeout = 3600 * CRECHE_SECOND;
  o.task = &task;
  o.timeouts.first_byte = CRECHE_NEVER;
  IS(creche_fetch_in(session_on(loop), loop.scope, support_hostile_url(server), &o, &page),
     CRECHE_E_TIMEOUT);
}
typedef struct refused {
  creche_session session;
  creche_status fetch, fetch_in, close;
} refused;
static void tries_on_the_loop(void* user, const creche_completion* c) {
  refused* r = user;
  creche_response page;
  (void)c;
  r->fetch = creche_fetch("http://127.0.0.1:1/", NULL, &page);
  r->fetch_in = creche_fetch_in(r->session, (creche_scope){0}, "http://127.0.0.1:1/", NULL, &page);
  r->close = creche_default_close(0);
}
static void not_on_a_loop(void** state) {
  refused r = {session_on(loop), 0, 0, 0};
  (void)state;
  OK(creche_loop_post(loop, tries_on_the_loop, &r));
  settle();
  assert_int_equal(r.fetch, CRECHE_E_WOULD_DEADLOCK);
  assert_int_equal(r.fetch_in, CRECHE_E_WOULD_DEADLOCK);
  assert_int_equal(r.close, CRECHE_E_WOULD_DEADLOCK);
}
static creche_status in_worker(void* arg, creche_task task, uint64_t* value) {
  creche_response page;
  (void)task;
  const creche_status status = creche_fetch(arg, NULL, &page);
  *value = (uint64_t)creche_response_status(page);
  creche_response_release(page);
  return status;
}
static void in_an_offloaded_function(void** state) {
  seen s = {0};
  (void)state;
  OK(creche_offload(loop.scope, in_worker, (void*)(uintptr_t)support_hostile_url(server), NULL, see,
                    &s, NULL));
  while (s.finals == 0) OK(creche_loop_poll(loop, CRECHE_NEVER));
  assert_int_equal(s.status, CRECHE_OK);
  assert_int_equal(s.value, 200);
}

/* ---- The default loop ---- */
enum { THREADS = 8 };
static pthread_barrier_t at_once;
static void* fetches_at_once(void* user) {
  creche_response page;
  creche_loop l = {{0}};
  pthread_barrier_wait(&at_once);
  const creche_status status = creche_fetch(support_hostile_url(server), NULL, &page);
  creche_response_release(page);
  if (status == CRECHE_OK) creche_default_loop(&l);
  *(uint64_t*)user = l.scope.id;
  return NULL;
}
static void many_threads_at_first_use(void** state) {
  pthread_t threads[THREADS];
  uint64_t loops[THREADS];
  (void)state;
  for (int round = 0; round < 5; round++) {
    assert_int_equal(pthread_barrier_init(&at_once, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++)
      assert_int_equal(pthread_create(&threads[i], NULL, fetches_at_once, &loops[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) assert_int_equal(loops[i], loops[0]);
    assert_int_not_equal(loops[0], 0);
    pthread_barrier_destroy(&at_once);
    OK(creche_default_close(PATIENCE));
  }
}
static void* fetches_until_closed(void* user) {
  creche_response page;
  (void)user;
  const creche_status status = creche_fetch(support_hostile_url(server), NULL, &page);
  return (void*)(intptr_t)(status == CRECHE_E_CANCELLED &&
                           creche_last_error()->reason == CRECHE_REASON_SHUTDOWN);
}
static void closed_while_others_wait(void** state) {
  creche_loop before = default_loop(), after;
  creche_loop_counters counters;
  pthread_t thread;
  void* cancelled;
  (void)state;
  assert_int_equal(pthread_create(&thread, NULL, fetches_until_closed, NULL), 0);
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  OK(creche_default_close(PATIENCE));
  pthread_join(thread, &cancelled);
  assert_non_null(cancelled);
  IS(creche_loop_get_counters(before, &counters, sizeof counters), CRECHE_E_ENDED);
  OK(creche_default_close(0)); /* there is none */
  OK(creche_default_loop(&after));
  assert_int_not_equal(after.scope.id, before.scope.id);
}
/* What keeps it from ending keeps new calls out until it has ended. */
static void body_waits_for_us(void* user, const creche_completion* c) {
  if (c->kind == CRECHE_BEGIN) *(creche_task*)user = c->task;
}
static void not_ended_in_time(void** state) {
  creche_loop l = default_loop();
  creche_task task;
  creche_response page;
  static creche_task begun;
  (void)state;
  OK(creche_task_spawn(l.scope, body_waits_for_us, &begun, NULL, creche_nobody, NULL, &task));
  IS(creche_default_close(0), CRECHE_E_TIMEOUT);
  last_error_says("still alive");
  IS(creche_fetch(support_hostile_url(server), NULL, &page), CRECHE_E_CLOSED);
  for (int64_t end = now_ms() + PATIENCE_MS;
       creche_task_finish(task, CRECHE_OK, 0, NULL) != CRECHE_OK;)
    if (now_ms() > end) fail_msg("the task never began"); /* it is told to first */
  OK(creche_default_close(PATIENCE));
  OK(creche_fetch(support_hostile_url(server), NULL, &page));
  creche_response_release(page);
}
/* Whoever has its handle may end it, too. */
static void closed_by_its_handle(void** state) {
  creche_loop l = default_loop();
  creche_response page;
  (void)state;
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  OK(creche_fetch(support_hostile_url(server), NULL, &page));
  creche_response_release(page);
}

/* ---- Processes ---- */
#ifndef __SANITIZE_THREAD__ /* it knows no fork of a process with threads */
static int fetches_in_the_child(void) {
  creche_response page;
  creche_loop l;
  WANT(creche_fetch(support_hostile_url(server), NULL, &page) == CRECHE_OK);
  WANT(strcmp(creche_response_body(page, NULL), "ok") == 0);
  creche_response_release(page);
  WANT(creche_default_loop(&l) == CRECHE_OK);
  WANT(l.scope.id != loop.scope.id);
  WANT(creche_default_close(PATIENCE) == CRECHE_OK);
  return 0;
}
static int closes_in_the_child(void) {
  WANT(creche_default_close(0) == CRECHE_OK); /* it has none */
  return fetches_in_the_child();
}
static void forked(void** state) {
  creche_response page;
  (void)state;
  in_child(fetches_in_the_child); /* before there is one */
  loop = default_loop();
  OK(creche_fetch(support_hostile_url(server), NULL, &page));
  creche_response_release(page);
  in_child(fetches_in_the_child);
  in_child(closes_in_the_child);
  OK(creche_fetch(support_hostile_url(server), NULL, &page)); /* nobody has touched ours */
  creche_response_release(page);
  assert_int_equal(default_loop().scope.id, loop.scope.id);
}
/* A program may end while it is open, and while others wait on it. */
static void exits_with_it_open(void** state) {
  int status, go[2];
  (void)state;
  assert_int_equal(pipe(go), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    pthread_t thread;
    char byte;
    if (pthread_create(&thread, NULL, fetches_until_closed, NULL)) _exit(2);
    if (read(go[0], &byte, 1) != 1) _exit(3);
    exit(0);
  }
  const int waits = support_hostile_await_requests(server, 1, PATIENCE_MS);
  assert_int_equal(write(go[1], "g", 1), 1);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_true(waits);
  close(go[0]);
  close(go[1]);
}
#endif

#define FETCH(name) cmocka_unit_test_setup_teardown(name, start_server, stop_all)
#define SLOW(name) cmocka_unit_test_setup_teardown(name, start_slow_server, stop_all)
/* With a loop that the test turns beside it. */
static int with_loop(void** state) {
  return open_loop(state) || start_server(state);
}
static int with_virtual_loop(void** state) {
  return open_virtual_loop(state) || start_slow_server(state);
}
static int without_loop(void** state) {
  return close_loop(state) | stop_all(state);
}
#define TURNED(name) cmocka_unit_test_setup_teardown(name, with_loop, without_loop)

int main(void) {
  const struct CMUnitTest tests[] = {
      FETCH(a_page),
      FETCH(no_body),
      TURNED(a_stream_has_none),
      FETCH(all_of_the_failure),
      FETCH(what_depends_on_content),
      FETCH(a_thread_that_ends),
      TURNED(misuse),
      SLOW(its_time),
      SLOW(another_thread_cancels),
      SLOW(signals_do_not_end_it),
      SLOW(an_interrupt_does),
      TURNED(a_loop_that_this_thread_runs),
      cmocka_unit_test_setup_teardown(an_hour_of_a_virtual_clock, with_virtual_loop, without_loop),
      TURNED(not_on_a_loop),
      TURNED(in_an_offloaded_function),
      FETCH(many_threads_at_first_use),
      SLOW(closed_while_others_wait),
      FETCH(not_ended_in_time),
      FETCH(closed_by_its_handle),
#ifndef __SANITIZE_THREAD__
      FETCH(forked),
      SLOW(exits_with_it_open),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
