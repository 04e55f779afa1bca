/* Everything that can be started in a scope, so that a rule can be tried with each: what waits for
 * ever until it is cancelled and then ends with its cancellation. */
#ifndef KINDS_H
#define KINDS_H

#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <netinet/in.h>

#include "support/core.h"

typedef enum { SLEEP, OPERATION, USER, EXTERNAL, OFFLOAD, GROUP, IN_SCOPE, KINDS } kind;
static const char* const kind_names[] = {"sleep",   "operation", "user task", "external task",
                                         "offload", "group",     "bare scope"};

/* One that was started. */
typedef struct leaf {
  kind kind;
  seen s;              /* its completion */
  seen inner;          /* GROUP, IN_SCOPE: of the operation inside */
  creche_scope scope;  /* to cancel and to shield it */
  creche_scope around; /* IN_SCOPE: the same, to be left */
  atomic_int running;  /* OFFLOAD: its function has begun */
} leaf;

/* ---- A library operation that never ends: a request to somebody who never answers ---- */
static int mute_fd = -1;
static char mute_url[64];
static creche_session web;

static inline void open_mute(void) {
  struct sockaddr_in at = {0};
  socklen_t size = sizeof at;
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  mute_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(mute_fd >= 0);
  assert_int_equal(bind(mute_fd, (struct sockaddr*)&at, sizeof at), 0);
  assert_int_equal(listen(mute_fd, 100), 0); /* the kernel accepts, nobody else does */
  assert_int_equal(getsockname(mute_fd, (struct sockaddr*)&at, &size), 0);
  snprintf(mute_url, sizeof mute_url, "http://127.0.0.1:%d/", ntohs(at.sin_port));
  OK(creche_session_open(loop, NULL, &web));
}
static inline void close_mute(void) {
  creche_session_release(web);
  close(mute_fd);
}

static inline void external_obeys(void* user, const creche_completion* c) {
  note(user, c);
  if (c->kind == CRECHE_CANCEL) creche_task_finish(c->task, CRECHE_E_CANCELLED, 0, NULL);
}
static inline creche_status offload_obeys(void* arg, creche_task task, uint64_t* value) {
  leaf* l = arg;
  (void)value;
  atomic_store(&l->running, 1);
  while (creche_offload_cancelled(task) == 0) sched_yield();
  return CRECHE_E_CANCELLED;
}

/* Starts one; `options` may be NULL. GROUP takes its shield and deadlines from them too, IN_SCOPE
 * has them on the scope. */
static inline void start_kind(leaf* l, kind k, creche_scope in,
                              const creche_task_options* options) {
  creche_task task = {{0}};
  creche_group_options g = group_options();
  creche_scope_options o = scope_options();
  creche_request_options r;
  creche_offload_options f;
  creche_group group;
  memset(l, 0, sizeof *l);
  l->kind = k;
  if (options != NULL) {
    g.shield = o.shield = options->shield;
    g.timeout = o.timeout = options->timeout;
    g.deadline = o.deadline = options->deadline;
    g.on_timeout = o.on_timeout = options->on_timeout;
  }
  switch (k) {
    case SLEEP:
      OK(creche_sleep_until(in, CRECHE_NEVER, options, see, &l->s, &task));
      break;
    case OPERATION:
      OK(creche_request_options_init(&r, sizeof r));
      r.task = options;
      OK(creche_session_fetch(web, in, mute_url, &r, see, &l->s, &task));
      break;
    case USER:
      OK(creche_task_spawn(in, body_obeys, &l->s, options, see, &l->s, &task));
      break;
    case EXTERNAL:
      OK(creche_task_open(in, options, external_obeys, &l->s, &task));
      break;
    case OFFLOAD:
      OK(creche_offload_options_init(&f, sizeof f));
      f.task = options;
      OK(creche_offload(in, offload_obeys, l, &f, see, &l->s, &task));
      break;
    case GROUP:
      OK(creche_group_open(in, &g, see, &l->s, &group));
      op(group.scope, &l->inner);
      OK(creche_group_close(group));
      l->scope = group.scope;
      return;
    default: /* IN_SCOPE */
      l->around = l->scope = scope_in(in, &o);
      op(l->around, &l->s);
      return;
  }
  l->scope = task.scope;
}

/* Turns the loop until each of them is at work. */
static inline void at_work(leaf* l, int n) {
  int i;
  settle();
  for (i = 0; i < n; i++)
    if (l[i].kind == OFFLOAD)
      while (!atomic_load(&l[i].running)) creche_loop_poll(loop, 0);
}

/* Leaves what it was wrapped in, which must not say otherwise than `flags`. */
static inline void leave_kind(leaf* l, uint32_t flags) {
  creche_outcome outcome;
  if (l->kind != IN_SCOPE) return;
  OK(creche_scope_leave(l->around, &outcome));
  assert_int_equal(outcome.flags, flags);
}

/* Waits for its end and checks that a cancellation from outside has gone through it. */
static inline void passed_through(leaf* l, uint32_t reason, const char* text, creche_scope by) {
  until(&l->s.finals, 1);
  if (l->s.status != CRECHE_E_CANCELLED || l->s.flags != CRECHE_PASSING || l->s.reason != reason ||
      strcmp(l->s.text, text) != 0 || l->s.by.id != by.id)
    fail_msg("%s: %s, flags %u, reason %u \"%s\"", kind_names[l->kind],
             creche_status_name(l->s.status), l->s.flags, l->s.reason, l->s.text);
  leave_kind(l, CRECHE_PASSING);
}

#endif
