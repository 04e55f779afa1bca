/* What a loop says in words: connections, retries, reconnects, losses; in debug mode what a program
 * does wrong. At which level, with which fields, and never a secret. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/core.h"
#include "support/hostile.h"
#include "support/http2.h"
#include "support/postgres.h"

/* The lines of a loop, as creche_log_format writes them, and what was said last of each event. */
enum { EVENTS = 32 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char all[65536];
static int told[EVENTS];
static char last_site[EVENTS][200], last_name[EVENTS][64], last_fields[EVENTS][600];

static void hears(void* user, const creche_log_record* record) {
  char line[2000];
  const uint32_t e = record->event;
  (void)user;
  const size_t size = creche_log_format(record, line, sizeof line);
  pthread_mutex_lock(&lock);
  if (size < sizeof line && strlen(all) + size + 2 < sizeof all) {
    strcat(all, line);
    strcat(all, "\n");
  }
  if (e < EVENTS) {
    told[e]++;
    snprintf(last_site[e], sizeof last_site[e], "%s", record->site);
    snprintf(last_name[e], sizeof last_name[e], "%s", record->name);
    last_fields[e][0] = '\0';
    for (uint32_t i = 0; i < record->fields_count; i++) {
      const creche_log_field* f = &record->fields[i];
      const size_t at = strlen(last_fields[e]);
      char number[30];
      snprintf(number, sizeof number, "%lld", (long long)f->number);
      if (f->is_number && strcmp(number, f->text) != 0) told[0]++; /* it is both */
      snprintf(last_fields[e] + at, sizeof last_fields[e] - at, "%s=%s;", f->name, f->text);
    }
  }
  pthread_mutex_unlock(&lock);
}
static int times_told(uint32_t event) {
  pthread_mutex_lock(&lock);
  const int n = told[event];
  pthread_mutex_unlock(&lock);
  return n;
}
static void has_field(uint32_t event, const char* field) {
  if (strstr(last_fields[event], field) == NULL)
    fail_msg("no %s in \"%s\"", field, last_fields[event]);
}

static creche_log log_options;
static void open_with(uint32_t level, uint32_t flags) {
  creche_loop_options o;
  OK(creche_log_init(&log_options, sizeof log_options));
  assert_int_equal(log_options.level, CRECHE_LOG_INFO);
  log_options.level = level;
  log_options.write = hears;
  OK(creche_loop_options_init(&o, sizeof o));
  o.log = &log_options;
  o.flags = flags;
  OK(creche_loop_open(&o, &loop));
}
static void end(void) {
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
}
static int forget(void** state) {
  (void)state;
  memset(told, 0, sizeof told);
  all[0] = '\0';
  return unsetenv("CRECHE_DEBUG");
}

/* ---- Debug mode ---- */
static void a_group_that_nobody_closes(void** state) {
  creche_group_options o = group_options();
  creche_scope_options s;
  creche_scope scope;
  creche_group group;
  (void)state;
  open_with(CRECHE_LOG_ERROR, CRECHE_LOOP_DEBUG);
  o.name = "pages";
  o.site = CRECHE_HERE;
  OK(creche_group_open(loop.scope, &o, creche_nobody, NULL, &group));
  end();
  assert_int_equal(told[CRECHE_LOG_NOT_CLOSED], 1);
  assert_string_equal(last_name[CRECHE_LOG_NOT_CLOSED], "pages");
  assert_string_equal(last_site[CRECHE_LOG_NOT_CLOSED], o.site);
  has_field(CRECHE_LOG_NOT_CLOSED, "kind=group;");
  forget(NULL);
  open_with(CRECHE_LOG_ERROR, CRECHE_LOOP_DEBUG);
  OK(creche_scope_options_init(&s, sizeof s));
  s.site = CRECHE_HERE;
  OK(creche_scope_open(loop.scope, &s, &scope));
  OK(creche_group_open(loop.scope, &o, creche_nobody, NULL, &group));
  OK(creche_group_close(group)); /* this one is closed */
  end();
  assert_int_equal(told[CRECHE_LOG_NOT_CLOSED], 1);
  assert_string_equal(last_site[CRECHE_LOG_NOT_CLOSED], s.site);
}
static void one_that_nobody_joins(void** state) {
  creche_group_options o = group_options();
  creche_group group;
  (void)state;
  open_with(CRECHE_LOG_ERROR, CRECHE_LOOP_DEBUG);
  o.flags = CRECHE_GROUP_JOINABLE;
  o.name = "forgotten";
  OK(creche_group_open(loop.scope, &o, NULL, NULL, &group));
  OK(creche_group_close(group));
  end();
  assert_int_equal(told[CRECHE_LOG_NOWHERE], 0); /* the join is where it goes */
  assert_int_equal(told[CRECHE_LOG_NOT_CLOSED], 1);
  assert_non_null(strstr(all, "joined"));
}
static void completions_that_go_nowhere(void** state) {
  creche_task_options o = task_options();
  creche_queue queue;
  (void)state;
  open_with(CRECHE_LOG_ERROR, CRECHE_LOOP_DEBUG);
  o.site = CRECHE_HERE;
  OK(creche_sleep(loop.scope, 0, &o, NULL, NULL, NULL));
  assert_int_equal(told[CRECHE_LOG_NOWHERE], 1); /* before the call returns */
  assert_string_equal(last_site[CRECHE_LOG_NOWHERE], o.site);
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  OK(creche_sleep(loop.scope, 0, &o, NULL, NULL, NULL));
  OK(creche_sleep(loop.scope, 0, NULL, creche_nobody, NULL, NULL)); /* he knows what he does */
  assert_int_equal(told[CRECHE_LOG_NOWHERE], 1);
  end();
}
static void work_that_is_refused(void** state) {
  creche_group_options o = group_options();
  creche_group group;
  (void)state;
  open_with(CRECHE_LOG_ERROR, CRECHE_LOOP_DEBUG);
  o.name = "over";
  o.site = CRECHE_HERE;
  OK(creche_group_open(loop.scope, &o, creche_nobody, NULL, &group));
  OK(creche_loop_shutdown(loop, CRECHE_NEVER));
  IS(creche_sleep(loop.scope, 0, NULL, creche_nobody, NULL, NULL), CRECHE_E_CLOSED);
  assert_int_equal(told[CRECHE_LOG_REFUSED], 1);
  last_error_says("takes no more work"); /* the hook has not changed it */
  has_field(CRECHE_LOG_REFUSED, "kind=loop;");
  has_field(CRECHE_LOG_REFUSED, "error=CRECHE_E_CLOSED;");
  OK(creche_group_close(group));
  end();
}
static void nothing_without_it(void** state) {
  creche_group group;
  (void)state;
  open_with(CRECHE_LOG_DEBUG, 0);
  OK(creche_sleep(loop.scope, 0, NULL, NULL, NULL, NULL));
  OK(creche_group_open(loop.scope, NULL, creche_nobody, NULL, &group));
  OK(creche_loop_shutdown(loop, 0));
  IS(creche_sleep(loop.scope, 0, NULL, creche_nobody, NULL, NULL), CRECHE_E_CLOSED);
  end();
  assert_string_equal(all, "");
}
static void by_the_environment(void** state) {
  (void)state;
  setenv("CRECHE_DEBUG", "1", 1);
  open_with(CRECHE_LOG_ERROR, 0);
  OK(creche_sleep(loop.scope, 0, NULL, NULL, NULL, NULL));
  end();
  assert_int_equal(told[CRECHE_LOG_NOWHERE], 1);
  forget(NULL);
  setenv("CRECHE_DEBUG", "0", 1);
  open_with(CRECHE_LOG_ERROR, 0);
  OK(creche_sleep(loop.scope, 0, NULL, NULL, NULL, NULL));
  end();
  assert_string_equal(all, "");
}
#ifndef __SANITIZE_THREAD__ /* it knows no fork of a process with threads */
/* Printed only if that is asked for, as a line. */
static void to_stderr(void** state) {
  int ends[2], status;
  char text[2000];
  size_t size = 0;
  ssize_t got;
  (void)state;
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    creche_task_options o = task_options();
    int failed = dup2(ends[1], 2) < 0;
    for (int ask = 0; ask < 2; ask++) {
      if (ask) setenv("CRECHE_DEBUG", "stderr", 1);
      failed |= creche_loop_open(NULL, &loop) != CRECHE_OK;
      o.site = "page.c:12";
      o.name = "a \"name\"";
      failed |= creche_sleep(loop.scope, 0, &o, NULL, NULL, NULL) != CRECHE_OK;
      failed |= creche_loop_close(loop) != CRECHE_OK;
      failed |= creche_loop_join(loop, PATIENCE) != CRECHE_OK;
    }
    _exit(failed);
  }
  close(ends[1]);
  while ((got = read(ends[0], text + size, sizeof text - 1 - size)) > 0) size += (size_t)got;
  text[size] = '\0';
  close(ends[0]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  const char* const begin = "creche: warn: page.c:12: \"a \\x22name\\x22\" has a completion";
  assert_memory_equal(text, begin, strlen(begin));
  assert_int_equal(strchr(text, '\n') - text, (long)size - 1); /* once */
  assert_non_null(strstr(text, " kind=sleep\n"));
}
#endif

/* ---- Connections ---- */
static void drain(void) { /* what runs ends by itself */
  OK(creche_loop_shutdown(loop, CRECHE_NEVER));
  OK(creche_loop_join(loop, PATIENCE));
}
static void connections_by_level(void** state) {
  support_hostile* server = support_hostile_start(support_script_answer,
                                                  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  (void)state;
  assert_non_null(server);
  for (uint32_t level = CRECHE_LOG_ERROR; level <= CRECHE_LOG_DEBUG; level++) {
    creche_session web;
    char url[200];
    forget(NULL);
    open_with(level, 0);
    OK(creche_session_open(loop, NULL, &web));
    OK(creche_session_fetch(web, loop.scope, "http://user:hunter2@127.0.0.1:1/?a=hunter2", NULL,
                            creche_nobody, NULL, NULL));
    snprintf(url, sizeof url, "%s/?a=hunter2", support_hostile_url(server));
    OK(creche_session_fetch(web, loop.scope, url, NULL, creche_nobody, NULL, NULL));
    drain();
    assert_int_equal(told[CRECHE_LOG_CONNECT_FAILED], level >= CRECHE_LOG_WARN);
    assert_int_equal(told[CRECHE_LOG_CONNECTED], level >= CRECHE_LOG_DEBUG);
    assert_int_equal(told[CRECHE_LOG_CLOSED], level >= CRECHE_LOG_DEBUG);
    assert_null(strstr(all, "hunter2"));
  }
  has_field(CRECHE_LOG_CONNECT_FAILED, "error=CRECHE_E_CONNECT;");
  has_field(CRECHE_LOG_CONNECTED, "peer=127.0.0.1:");
  has_field(CRECHE_LOG_CONNECTED, "connection=1;");
  has_field(CRECHE_LOG_CLOSED, "peer=127.0.0.1:");
  has_field(CRECHE_LOG_CLOSED, "connection=1;");
  assert_int_equal(told[0], 0);
  support_hostile_stop(server);
}
/* Why a connection was closed is what the message says. */
static void fetch_from(creche_session web, const support_hostile* server) {
  creche_response response;
  OK(creche_fetch_in(web, loop.scope, support_hostile_url(server), NULL, &response));
  creche_response_release(response);
}
static void ends_when_told(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  support_await(peer, 1);
}
static void is_said_of(support_script script, const char* answer, void set(creche_session_options*),
                       const char* why) {
  support_hostile* server = support_hostile_start(script, (void*)(uintptr_t)answer);
  creche_session_options o;
  creche_session web;
  assert_non_null(server);
  forget(NULL);
  open_with(CRECHE_LOG_DEBUG, 0);
  OK(creche_session_options_init(&o, sizeof o));
  if (set != NULL) set(&o);
  OK(creche_session_open(loop, &o, &web));
  fetch_from(web, server);
  if (script == ends_when_told) support_hostile_signal(server);
  if (strstr(why, "session") == NULL) AWAIT(times_told(CRECHE_LOG_CLOSED) == 1);
  creche_session_release(web);
  end();
  if (strstr(all, why) == NULL) fail_msg("no \"%s\" in %s", why, all);
  assert_int_equal(told[CRECHE_LOG_CLOSED], 1);
  support_hostile_stop(server);
}
static void kept_for_a_moment(creche_session_options* o) {
  o->keepalive = CRECHE_MILLISECOND;
}
static void one_each(creche_session_options* o) {
  o->max_requests = 1;
}
static void by_http2(creche_session_options* o) {
  o->versions = CRECHE_HTTP_2;
}
static void answers_and_goes(support_peer* peer, void* user) {
  static const char goodbye[] = "\0\0\0\1\0\0\0\x0btoo_many_pings";
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  (void)user;
  if (h != NULL && support_h2_next_request(h, &r) &&
      support_h2_answer(h, r.stream, 200, NULL, "ok") &&
      support_h2_send(h, H2_GOAWAY, 0, 0, goodbye, sizeof goodbye - 1))
    support_await_close(peer);
  support_h2_close(h);
}
static void why_connections_are_closed(void** state) {
  static const char kept[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  (void)state;
  is_said_of(support_script_answer, kept, kept_for_a_moment, "idle for too long");
  is_said_of(support_script_answer, kept, one_each, "as many requests as it may");
  is_said_of(support_script_answer, kept, NULL, "with its session");
  is_said_of(support_script_answer,
             "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", NULL,
             "cannot be kept");
  is_said_of(ends_when_told, NULL, NULL, "the server has ended it");
  is_said_of(answers_and_goes, NULL, by_http2, "why=ENHANCE_YOUR_CALM,");
}
static void retries(void** state) {
  creche_request_options o;
  creche_session web;
  creche_retry retry;
  (void)state;
  open_with(CRECHE_LOG_INFO, 0);
  OK(creche_session_open(loop, NULL, &web));
  OK(creche_request_options_init(&o, sizeof o));
  OK(creche_retry_init(&retry, sizeof retry));
  o.retry = &retry;
  OK(creche_session_fetch(web, loop.scope, "http://127.0.0.1:1/", &o, creche_nobody, NULL, NULL));
  drain();
  assert_int_equal(told[CRECHE_LOG_RETRY], 2); /* three attempts */
  has_field(CRECHE_LOG_RETRY, "attempt=3;");
  has_field(CRECHE_LOG_RETRY, "error=CRECHE_E_CONNECT;");
}
static void retries_of_answers(void** state) {
  support_hostile* server = support_hostile_start(
      support_script_answer, "HTTP/1.1 503 X\r\nRetry-After: 0\r\nContent-Length: 2\r\n\r\nno");
  creche_request_options o;
  creche_session web;
  creche_retry retry;
  (void)state;
  assert_non_null(server);
  open_with(CRECHE_LOG_INFO, 0);
  OK(creche_session_open(loop, NULL, &web));
  OK(creche_request_options_init(&o, sizeof o));
  OK(creche_retry_init(&retry, sizeof retry));
  retry.attempts = 100; /* more than the budget has: ten, and a part of one */
  retry.budget = 0;
  o.retry = &retry;
  OK(creche_session_fetch(web, loop.scope, support_hostile_url(server), &o, creche_nobody, NULL,
                          NULL));
  drain();
  assert_true(told[CRECHE_LOG_RETRY] >= 10);
  has_field(CRECHE_LOG_RETRY, "http_status=503;");
  assert_int_equal(told[CRECHE_LOG_RETRY_DENIED], 1);
  has_field(CRECHE_LOG_RETRY_DENIED, "http_status=503;");
  assert_non_null(strstr(all, "budget"));
  support_hostile_stop(server);
  /* The same of what cannot be connected to. */
  forget(NULL);
  open_with(CRECHE_LOG_WARN, 0);
  OK(creche_session_open(loop, NULL, &web));
  retry.delay = 1;
  OK(creche_session_fetch(web, loop.scope, "http://127.0.0.1:1/", &o, creche_nobody, NULL, NULL));
  drain();
  assert_int_equal(told[CRECHE_LOG_RETRY], 0);
  assert_int_equal(told[CRECHE_LOG_RETRY_DENIED], 1);
  has_field(CRECHE_LOG_RETRY_DENIED, "error=CRECHE_E_CONNECT;");
}
static void one_event(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_count_request(peer);
  support_send_text(
      peer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 1\ndata: x\n\n");
}
static void streams_of_events(void** state) {
  support_hostile* server = support_hostile_start(one_event, NULL);
  creche_session web;
  creche_task task;
  (void)state;
  assert_non_null(server);
  open_with(CRECHE_LOG_INFO, 0);
  OK(creche_session_open(loop, NULL, &web));
  OK(creche_session_events(web, loop.scope, support_hostile_url(server), NULL, creche_nobody, NULL,
                           &task));
  assert_true(support_hostile_await_requests(server, 2, PATIENCE_MS));
  AWAIT(times_told(CRECHE_LOG_RECONNECT) > 0);
  OK(creche_scope_cancel(task.scope, NULL));
  end();
  has_field(CRECHE_LOG_RECONNECT, "delay_ms=1"); /* 10 or 11: the least, and a little of chance */
  support_hostile_stop(server);
}
static void pools(void** state) {
  support_postgres* server = support_postgres_start(NULL);
  creche_pool pool;
  (void)state;
  assert_non_null(server);
  open_with(CRECHE_LOG_DEBUG, 0);
  OK(creche_pool_open(loop, "postgresql://u:hunter2@127.0.0.1:1/private", NULL, &pool));
  assert_int_not_equal(creche_execute(pool, "select 1", NULL, 0, NULL, NULL), CRECHE_OK);
  AWAIT(times_told(CRECHE_LOG_CONNECT_FAILED) == 1);
  creche_pool_release(pool);
  OK(creche_pool_open(loop, support_postgres_url(server), NULL, &pool));
  OK(creche_execute(pool, "select 'hunter2'", NULL, 0, NULL, NULL));
  AWAIT(times_told(CRECHE_LOG_CONNECTED) == 1);
  IS(creche_execute(pool, "select pg_terminate_backend(pg_backend_pid())", NULL, 0, NULL, NULL),
     CRECHE_E_PG);
  AWAIT(times_told(CRECHE_LOG_DROPPED) == 1);
  end();
  has_field(CRECHE_LOG_CONNECT_FAILED, "error=CRECHE_E_CONNECT;");
  assert_null(strstr(all, "hunter2"));
  support_postgres_stop(server);
}

static void misuse(void** state) {
  creche_loop_options o;
  creche_loop l = {{99}};
  char line[8];
  (void)state;
  OK(creche_loop_options_init(&o, sizeof o));
  OK(creche_log_init(&log_options, sizeof log_options));
  o.log = &log_options;
  log_options.level = 9;
  IS(creche_loop_open(&o, &l), CRECHE_E_UNSUPPORTED);
  assert_int_equal(l.scope.id, 0);
  log_options.level = CRECHE_LOG_INFO;
  log_options.flags = 1;
  IS(creche_loop_open(&o, &l), CRECHE_E_UNSUPPORTED);
  IS(creche_log_init(NULL, sizeof log_options), CRECHE_E_INVALID);
  assert_int_equal(creche_log_format(NULL, line, sizeof line), 0);
  const creche_log_field field = {"a b", "1 \n", 0, 0, 0};
  const creche_log_record record = {
      sizeof record, CRECHE_LOG_INFO, 1, 1, {{0}}, 0, 0, "is so", "", "", &field};
  assert_int_equal(creche_log_format(&record, NULL, 0),
                   strlen("creche: info: is so a b=1\\x20\\x0a"));
  creche_log_format(&record, line, sizeof line);
  assert_string_equal(line, "creche:"); /* cut */
}

#define LOG(name) cmocka_unit_test_setup(name, forget)

int main(void) {
  const struct CMUnitTest tests[] = {
      LOG(a_group_that_nobody_closes),
      LOG(one_that_nobody_joins),
      LOG(completions_that_go_nowhere),
      LOG(work_that_is_refused),
      LOG(nothing_without_it),
      LOG(by_the_environment),
#ifndef __SANITIZE_THREAD__
      LOG(to_stderr),
#endif
      LOG(connections_by_level),
      LOG(why_connections_are_closed),
      LOG(retries),
      LOG(retries_of_answers),
      LOG(streams_of_events),
      LOG(pools),
      LOG(misuse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
