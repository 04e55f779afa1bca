/* Lifetimes of completions, handles and leases, across callback, queue, group, nobody, move,
 * finish, cancel and release: random programs on one loop against a small model of what design and
 * headers promise. The model knows at each step what lives (tasks, groups, leases), what has been
 * told and where it waits, and which handles are good; the library must agree, step by step. The
 * test turns the loop itself, so a seed is a program: CRECHE_LIFETIMES_SEED runs one,
 * CRECHE_LIFETIMES_ROUNDS says how many. Meant for AddressSanitizer, too: what was drained is read
 * until it is released. */
#include "support/core.h"
#include "support/support.h"

enum { ITEMS = 160, STEPS = 110, ROUNDS = 60, HELD = 24, NONE = -1, ROOT = 0 };
enum kind { GROUP, TASK, FETCH, SEND, READ, SLEEP };
enum route { FUNCTION, QUEUE, GATHER, NOBODY };
enum handle { NO_HANDLE, LIVE, DEAD };
enum place { NOWHERE, IN_QUEUE, IN_HAND, IN_GROUP, GONE };

/* Whatever has a completion; item 0 is the loop. */
typedef struct item {
  enum kind kind;
  enum route route;
  int owner; /* whose child or step it is */
  int bare;  /* started in its owner's bare scope */
  creche_scope scope;
  int ended; /* in the model */
  int told;  /* final completions seen by its function */
  creche_status status;
  enum place place; /* of its final completion */
  int queue;        /* which of the queues, counted */
  uint64_t seen_value;
  /* Of owners: */
  int closing, called, shield, kids, leases;
  creche_scope section; /* a bare scope of its own, if open */
  int section_called, section_live;
  /* Of what brings a response: */
  creche_response response;
  enum handle handle;
  int back;    /* the lease went with its owner */
  int lease;   /* who holds it, or NONE */
  int chunks;  /* that can still be read at once */
  int reader;  /* who waits for more, or NONE */
  int subject; /* of a read: the item whose response it reads */
} item;

static item items[ITEMS];
static int items_count;
static int queues; /* so far */
static creche_session web;
static support_hostile* server;
static char stream_url[128], whole_url[128];
static creche_completion held[HELD];
static int held_count;
static uint32_t seed, step, program;

static uint32_t rnd(uint32_t below) { /* xorshift: the same on every machine */
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed % below;
}

#define CHECK(what, ...)                                                                         \
  do {                                                                                           \
    if (what) break;                                                                             \
    fprintf(stderr, "CRECHE_LIFETIMES_SEED=%u, step %u, line %d: %s: ", program, step, __LINE__, \
            #what);                                                                              \
    fprintf(stderr, __VA_ARGS__);                                                                \
    fputc('\n', stderr);                                                                         \
    fail();                                                                                      \
  } while (0)

static void serve(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    const int whole = strncmp(support_received(peer), "GET /whole", 10) == 0;
    support_send_text(peer, whole ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
                                  : "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    if (!whole) support_await_close(peer);
  }
}

/* ---- The model ---- */
static int is_owner(const item* i) {
  return i->kind == GROUP || i->kind == TASK;
}
static int cancelled(int owner) { /* effectively */
  for (int o = owner; o != NONE; o = items[o].owner) {
    if (items[o].called) return 1;
    if (items[o].shield) return 0;
    if (items[o].bare && items[items[o].owner].section_called) return 1;
  }
  return 0;
}
static int cancelled_where(const item* i) { /* where it was started */
  return (i->bare && items[i->owner].section_called) || cancelled(i->owner);
}

static void drop_handle(item* i) {
  if (i->handle == LIVE) i->handle = DEAD;
}
static void model_end(item* i, creche_status status);

/* The lease ends: whoever reads is told. */
static void model_give_back(item* i) {
  if (i->lease == NONE) return;
  items[i->lease].leases--;
  i->lease = NONE;
  const int reader = i->reader;
  i->reader = NONE;
  if (reader != NONE) model_end(&items[reader], CRECHE_E_CLOSED);
}

/* Its completion goes its way. */
static void model_end(item* i, creche_status status) {
  item* owner = &items[i->owner];
  i->ended = 1;
  i->status = status;
  owner->kids--;
  if (i->bare) owner->section_live--;
  if (i->kind == READ && status == CRECHE_E_CANCELLED) items[i->subject].reader = NONE;
  if (status == CRECHE_OK && (i->kind == FETCH || i->kind == SEND)) {
    i->handle = LIVE;
    if (i->kind == SEND) {
      i->lease = i->owner;
      owner->leases++;
    }
  }
  switch (i->route) {
    case FUNCTION: /* keeps what it owns */
      i->place = GONE;
      break;
    case QUEUE:
      i->place = i->queue == queues ? IN_QUEUE : GONE;
      break;
    case GATHER:
      i->place = IN_GROUP;
      break;
    case NOBODY:
      i->place = GONE;
      break;
  }
  if (i->place == GONE && i->route != FUNCTION) {
    drop_handle(i);
    model_give_back(i);
  }
}

/* A group's own completion is released, and what it has gathered with it. */
static void model_release_gathered(int group) {
  for (int k = 1; k < items_count; k++) {
    item* i = &items[k];
    if (i->owner != group || i->place != IN_GROUP) continue;
    i->place = GONE;
    drop_handle(i);
    model_give_back(i);
  }
}

static int lives(const item* i) {
  return !i->ended && i->kind != GROUP;
}

/* Lets everything end that must. */
static void model_settle(void) {
  for (int changed = 1; changed;) {
    changed = 0;
    for (int k = 1; k < items_count; k++) {
      item* i = &items[k];
      if (i->ended) continue;
      if (!is_owner(i)) {
        if (!cancelled_where(i) && !i->called) continue;
        model_end(i, CRECHE_E_CANCELLED);
        changed = 1;
      } else if (i->closing && i->kids == 0) {
        if (i->leases > 0 && i->kind == GROUP && !cancelled(k)) continue;
        for (int l = 1; l < items_count; l++) {
          if (items[l].lease != k) continue;
          items[l].back = 1; /* its handle stays good until it is released */
          model_give_back(&items[l]);
        }
        if (i->kids > 0) continue; /* no: a read of its own was told */
        model_end(i, CRECHE_OK);
        if (i->place == GONE) model_release_gathered(k);
        changed = 1;
      }
    }
  }
}

/* ---- The library ---- */
static void on_end(void* user, const creche_completion* c) {
  item* i = user;
  if (c->flags & CRECHE_MORE) return;
  i->told++;
  i->seen_value = c->flags & CRECHE_OWNED ? c->value : 0;
  i->status = c->status;
}

/* Turns the loop until it agrees with the model about what lives, and has nothing left to do. */
static void agree(void) {
  uint64_t tasks = 0, groups = 0, scopes = 0, leases = 0;
  model_settle();
  for (int k = 0; k < items_count; k++) {
    const item* i = &items[k];
    leases += (uint64_t)i->leases;
    scopes += i->section.id != 0;
    if (k == ROOT) continue;
    tasks += lives(i);
    groups += !i->ended && i->kind == GROUP;
  }
  creche_loop_counters c = loop_counters();
  while (c.live_tasks != tasks || c.live_groups != groups || c.live_leases != leases) {
    CHECK(creche_loop_poll(loop, 10 * CRECHE_SECOND) == CRECHE_OK,
          "waits in vain: tasks %d of %d, groups %d of %d, leases %d of %d", (int)c.live_tasks,
          (int)tasks, (int)c.live_groups, (int)groups, (int)c.live_leases, (int)leases);
    c = loop_counters();
  }
  settle();
  c = loop_counters();
  CHECK(c.live_tasks == tasks && c.live_groups == groups && c.live_leases == leases,
        "later: tasks %d of %d, groups %d of %d, leases %d of %d", (int)c.live_tasks, (int)tasks,
        (int)c.live_groups, (int)groups, (int)c.live_leases, (int)leases);
  CHECK(c.live_scopes == scopes, "scopes %d of %d", (int)c.live_scopes, (int)scopes);
  for (int k = 1; k < items_count; k++) {
    item* i = &items[k];
    const int want = i->ended && i->route == FUNCTION;
    CHECK(i->told == want, "item %d was told %d times", k, i->told);
    if (i->told && i->seen_value != 0 && i->response.id == 0) i->response.id = i->seen_value;
    if (i->response.id == 0) continue;
    const int32_t status = creche_response_status(i->response);
    CHECK(status == (i->handle == LIVE ? 200 : CRECHE_E_ENDED), "item %d: handle says %d", k,
          status);
  }
}

/* ---- Actions ---- */
static int pick(int (*fits)(const item*)) {
  for (int tries = 0; tries < 20; tries++) {
    const int k = (int)rnd((uint32_t)items_count);
    if (fits(&items[k])) return k;
  }
  return NONE;
}
static int admits(const item* i) {
  if (!is_owner(i) || i->ended) return 0;
  return i->kind == GROUP || !i->closing; /* a group until it has ended */
}
static int runs(const item* i) {
  return !i->ended && i != &items[ROOT];
}
static int open_group(const item* i) {
  return runs(i) && i->kind == GROUP && !i->closing;
}
static int open_task(const item* i) {
  return runs(i) && i->kind == TASK && !i->closing;
}
static int has_section(const item* i) {
  return i->section.id != 0;
}
static int has_response(const item* i) {
  return i->response.id != 0;
}
static int has_lease(const item* i) {
  return i->response.id != 0 && i->lease != NONE;
}

/* A new item in an owner, perhaps in the owner's bare scope; NONE if there is no place for it. */
static int add(enum kind kind, creche_scope* in) {
  const int owner = pick(admits);
  if (owner == NONE || items_count == ITEMS) return NONE;
  item* i = &items[items_count];
  memset(i, 0, sizeof *i);
  i->kind = kind;
  i->owner = owner;
  i->queue = queues;
  i->lease = i->reader = i->subject = NONE;
  i->bare = items[owner].section.id != 0 && rnd(3) == 0;
  i->route = (enum route)rnd(4);
  if (i->route == GATHER && (items[owner].kind != GROUP || owner == ROOT)) i->route = QUEUE;
  if (is_owner(i) && i->route != QUEUE) i->route = FUNCTION;
  *in = i->bare ? items[owner].section : items[owner].scope;
  return items_count;
}
static void added(int k) {
  item* i = &items[k];
  items[i->owner].kids++;
  if (i->bare) items[i->owner].section_live++;
  items_count++;
}
static creche_done_fn done_of(const item* i) {
  switch (i->route) {
    case FUNCTION:
      return on_end;
    case GATHER:
      return creche_to_group;
    case NOBODY:
      return creche_nobody;
    default:
      return NULL;
  }
}

static void do_open_group(void) {
  creche_scope in;
  creche_group group;
  const int k = add(GROUP, &in);
  if (k == NONE) return;
  item* i = &items[k];
  creche_group_options o = group_options();
  o.policy = CRECHE_COLLECT;
  o.queue = queue;
  o.shield = (uint32_t)(i->shield = rnd(4) == 0);
  OK(creche_group_open(in, &o, done_of(i), i, &group));
  i->scope = group.scope;
  added(k);
}

static void do_start(enum kind kind) {
  creche_scope in;
  creche_task task;
  const int k = add(kind, &in);
  if (k == NONE) return;
  item* i = &items[k];
  creche_task_options o = task_options();
  creche_request_options ro;
  OK(creche_request_options_init(&ro, sizeof ro));
  o.queue = queue;
  ro.task = &o;
  if (kind == TASK) OK(creche_task_open(in, &o, done_of(i), i, &task));
  if (kind == SLEEP) OK(creche_sleep_until(in, CRECHE_NEVER, &o, done_of(i), i, &task));
  if (kind == FETCH) OK(creche_session_fetch(web, in, whole_url, &ro, done_of(i), i, &task));
  if (kind == SEND) OK(creche_session_send(web, in, stream_url, &ro, done_of(i), i, &task));
  i->scope = task.scope;
  added(k);
  if (kind != FETCH && kind != SEND) return;
  i->chunks = kind == SEND;
  model_end(i, cancelled_where(i) ? CRECHE_E_CANCELLED : CRECHE_OK);
}

/* One chunk can be read; then a read waits until it is cancelled or the response goes. */
static void do_read(void) {
  creche_scope in;
  creche_task task;
  const int subject = pick(has_response);
  if (subject == NONE || items[subject].kind != SEND) return;
  const int k = add(READ, &in);
  if (k == NONE) return;
  item *i = &items[k], *s = &items[subject];
  if (i->route == NOBODY)
    i->route = QUEUE; /* a failed step that nobody is told of is another story */
  creche_task_options o = task_options();
  o.queue = queue;
  const creche_status status = creche_response_read(s->response, in, 0, &o, done_of(i), i, &task);
  if (s->handle != LIVE) {
    CHECK(status == CRECHE_E_ENDED, "%s", creche_status_name(status));
    return;
  }
  CHECK(status == CRECHE_OK, "%s", creche_status_name(status));
  i->scope = task.scope;
  i->subject = subject;
  added(k);
  if (cancelled_where(i)) {
    i->subject = k; /* it never begins, and ends nobody's reading */
    model_end(i, CRECHE_E_CANCELLED);
  } else if (s->reader != NONE) {
    model_end(i, CRECHE_E_STATE); /* one at a time */
  } else if (s->chunks > 0) {
    s->chunks--;
    model_end(i, CRECHE_OK);
  } else if (s->back) {
    model_end(i, CRECHE_E_CLOSED);
  } else {
    s->reader = k;
  }
}

static void do_section(void) {
  const int k = pick(admits);
  if (k == NONE) return;
  item* i = &items[k];
  creche_outcome outcome;
  if (i->section.id == 0) {
    OK(creche_scope_open(i->scope, NULL, &i->section));
    i->kids++;
    i->section_called = i->section_live = 0;
    return;
  }
  const creche_status status = creche_scope_leave(i->section, &outcome);
  CHECK(status == (i->section_live > 0 ? CRECHE_E_BUSY : CRECHE_OK), "%s",
        creche_status_name(status));
  if (status != CRECHE_OK) return;
  i->kids--;
  i->section.id = 0;
  /* Items that were in it have ended; where they were started means nothing any more. */
}

static void do_cancel(void) {
  const int in_section = rnd(3) == 0;
  const int k = pick(in_section ? has_section : runs);
  if (k == NONE) return;
  OK(creche_scope_cancel(in_section ? items[k].section : items[k].scope, "enough"));
  *(in_section ? &items[k].section_called : &items[k].called) = 1;
}

static void do_close(void) {
  const int k = pick(open_group);
  if (k == NONE) return;
  OK(creche_group_close((creche_group){items[k].scope}));
  items[k].closing = 1;
}

static void do_finish(void) {
  const int k = pick(open_task);
  if (k == NONE || items[k].section.id != 0) return;
  for (int j = 1; j < items_count; j++) /* left open, they would be misnested */
    if (items[j].owner == k && !items[j].ended && items[j].kind == GROUP && !items[j].closing)
      return;
  OK(creche_task_finish((creche_task){items[k].scope}, CRECHE_OK, 0, NULL));
  items[k].closing = 1;
}

static void do_move(void) {
  const int k = pick(has_response), to = pick(is_owner);
  if (k == NONE || to == NONE) return;
  item* i = &items[k];
  const creche_scope where =
      items[to].section.id != 0 && rnd(2) ? items[to].section : items[to].scope;
  const creche_status status = creche_response_move(i->response, where);
  creche_status want = CRECHE_OK;
  if (i->handle != LIVE)
    want = CRECHE_E_ENDED;
  else if (i->kind == FETCH)
    want = CRECHE_E_STATE;
  else if (items[to].ended || i->back)
    want = CRECHE_E_ENDED;
  else if (items[to].kind == TASK && items[to].closing)
    want = CRECHE_E_CLOSED;
  CHECK(status == want, "%s instead of %s", creche_status_name(status), creche_status_name(want));
  if (status != CRECHE_OK || i->lease == NONE) return;
  items[i->lease].leases--;
  items[i->lease = to].leases++;
}

/* In hand it belongs to the completion: released with it, unless it is done here before. */
static void do_release(void) {
  const int k = pick(rnd(2) ? has_lease : has_response);
  if (k == NONE) return;
  creche_response_release(items[k].response);
  drop_handle(&items[k]);
  model_give_back(&items[k]);
}

/* All of it, for AddressSanitizer. */
static void look_at(const creche_completion* c) {
  const item* i = c->user;
  CHECK(c->error == NULL || strlen(c->error->message) > 0, "no message");
  if (c->kind == CRECHE_CHUNK || (i->kind == FETCH && i->handle == LIVE))
    CHECK(c->data_size == 5 && memcmp(c->data, "hello", 5) == 0, "%d bytes", (int)c->data_size);
}

static void take(const creche_completion* c) {
  item* i = c->user;
  look_at(c);
  if (c->flags & CRECHE_MORE) return;
  CHECK(i->place == IN_QUEUE, "item %d came though it is in place %d", (int)(i - items), i->place);
  if (i->kind == GROUP && c->status == CRECHE_E_CANCELLED) i->status = c->status; /* or caught */
  CHECK(c->status == i->status, "item %d: %s instead of %s", (int)(i - items),
        creche_status_name(c->status), creche_status_name(i->status));
  if (is_owner(i)) /* last in its queue */
    for (int k = 1; k < items_count; k++)
      CHECK(&items[items[k].owner] != i || items[k].place != IN_QUEUE, "item %d comes late", k);
  i->place = IN_HAND;
  if (c->flags & CRECHE_OWNED) i->response.id = c->value;
  if (i->kind != GROUP) return;
  const creche_completion* all = c->data;
  for (size_t n = 0; n < c->data_size / sizeof *all; n++) {
    item* child = all[n].user;
    look_at(&all[n]);
    CHECK(child->place == IN_GROUP && &items[child->owner] == i, "item %d", (int)(child - items));
    if (all[n].flags & CRECHE_OWNED) child->response.id = all[n].value;
  }
}

static void do_drain(void) {
  size_t n = 0, expected = 0;
  if (held_count == HELD) return;
  const size_t room = 1 + rnd((uint32_t)(HELD - held_count));
  for (int k = 1; k < items_count; k++) expected += items[k].place == IN_QUEUE;
  OK(creche_queue_drain(queue, held + held_count, room, &n));
  /* CRECHE_BEGIN and CRECHE_CANCEL of tasks are in between. */
  CHECK(n > 0 || expected == 0, "empty, not %d", (int)expected);
  for (size_t k = 0; k < n; k++) take(&held[held_count + (int)k]);
  held_count += (int)n;
}

static void do_release_held(void) {
  if (held_count == 0) return;
  creche_completion* c = &held[rnd((uint32_t)held_count)];
  item* i = c->user;
  look_at(c);
  const int last = !(c->flags & CRECHE_MORE);
  const int keep = last && c->flags & CRECHE_OWNED && rnd(3) == 0;
  const int owned = last && (c->flags & CRECHE_OWNED) != 0;
  if (keep) c->flags &= ~(uint32_t)CRECHE_OWNED;
  creche_completions_release(c, 1);
  creche_completions_release(c, 1); /* harmless */
  if (last) i->place = GONE;
  if (owned && !keep) {
    drop_handle(i);
    model_give_back(i);
  }
  if (last && i->kind == GROUP) model_release_gathered((int)(i - items));
  *c = held[--held_count];
}

/* What is in it and what still comes is thrown away; the next items have another queue. */
static void do_release_queue(void) {
  creche_queue_release(queue);
  OK(creche_queue_open(loop, NULL, &queue));
  queues++;
  for (int k = 1; k < items_count; k++) {
    item* i = &items[k];
    if (i->place != IN_QUEUE) continue;
    i->place = GONE;
    drop_handle(i);
    model_give_back(i);
    if (i->kind == GROUP) model_release_gathered(k);
  }
}

static void act(void) {
  const uint32_t n = rnd(100);
  if (n < 8)
    do_open_group();
  else if (n < 15)
    do_start(TASK);
  else if (n < 30)
    do_start(SEND);
  else if (n < 36)
    do_start(FETCH);
  else if (n < 42)
    do_start(SLEEP);
  else if (n < 54)
    do_read();
  else if (n < 59)
    do_section();
  else if (n < 65)
    do_cancel();
  else if (n < 69)
    do_close();
  else if (n < 73)
    do_finish();
  else if (n < 81)
    do_move();
  else if (n < 86)
    do_release();
  else if (n < 93)
    do_drain();
  else if (n < 99)
    do_release_held();
  else
    do_release_queue();
}

static void run(uint32_t number) {
  program = number;
  seed = number * 2654435761u + 1;
  OK(creche_queue_open(loop, NULL, &queue));
  OK(creche_session_open(loop, NULL, &web));
  server = support_hostile_start(serve, NULL);
  snprintf(stream_url, sizeof stream_url, "%s/stream", support_hostile_url(server));
  snprintf(whole_url, sizeof whole_url, "%s/whole", support_hostile_url(server));
  queues = held_count = 0;
  items_count = 1;
  items[ROOT] = (item){.kind = GROUP, .owner = NONE, .scope = loop.scope, .lease = NONE};
  for (step = 0; step < STEPS; step++) {
    act();
    agree();
  }
  /* The end: everything is cancelled, what is held in hand stays good. */
  OK(creche_loop_close(loop));
  settle();
  for (int k = 1; k < items_count; k++) { /* what is open inside of tasks is theirs to close */
    creche_scope_set_shield(items[k].scope, 0);
    creche_group_close((creche_group){items[k].scope});
    if (items[k].section.id != 0) creche_scope_leave(items[k].section, NULL);
  }
  for (int k = 1; k < items_count; k++)
    if (open_task(&items[k]))
      OK(creche_task_finish((creche_task){items[k].scope}, CRECHE_E_CANCELLED, 0, NULL));
  if (creche_loop_join(loop, PATIENCE) != CRECHE_OK) {
    static char tree[1 << 16];
    creche_loop_dump(loop, CRECHE_DUMP_TEXT, tree, sizeof tree, NULL);
    CHECK(0, "%s\n%s", creche_last_error()->message, tree);
  }
  for (int k = 0; k < held_count; k++) look_at(&held[k]);
  creche_completions_release(held, (size_t)held_count);
  for (int k = 1; k < items_count; k++) { /* from functions, and those that were kept */
    creche_response_release(items[k].response);
    if (items[k].response.id != 0) IS(creche_response_status(items[k].response), CRECHE_E_ENDED);
  }
  CHECK(support_hostile_await_open(server, 0, 20000), "connections are left");
  support_hostile_stop(server);
}

static void random_programs(void** state) {
  const char* one = getenv("CRECHE_LIFETIMES_SEED");
  const char* rounds = getenv("CRECHE_LIFETIMES_ROUNDS");
  const uint32_t first = one ? (uint32_t)strtoul(one, NULL, 10) : 1;
  const uint32_t count = one ? 1 : rounds ? (uint32_t)strtoul(rounds, NULL, 10) : ROUNDS;
  (void)state;
  for (uint32_t n = 0; n < count; n++) {
    assert_int_equal(open_loop(NULL), 0);
    run(first + n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_programs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
