/* harvest: fetches many URLs at once and keeps in PostgreSQL what became of each.
 *
 *   harvest [options] [URL...]
 *
 *   -f, --file FILE     URLs, one a line; "-" is standard input; lines with # in front are skipped
 *   -d, --dsn DSN       the database (default: $DATABASE_URL, else PGHOST and so on)
 *       --table NAME    where the rows go; made if it is not there (default harvest)
 *       --limit N       fetches at a time (default 50)
 *       --timeout S     for each fetch, in seconds (default 30)
 *       --deadline S    for all of them (default: none)
 *       --batch N       rows in a transaction (default 100)
 *       --max-body N    bytes of a body that are too many (default 16 MiB)
 *       --ca FILE       certificates to trust instead of the system's
 *       --per-host N    fetches at a time from one host (default: no limit)
 *       --rate R        fetches a second from one host, each attempt counted (default: no limit)
 *       --retries N     how often a fetch that may succeed later is made again (default 0)
 *       --proxy URL     http://, https://, socks5:// or socks5h:// (default: the environment's)
 *       --cookies FILE  cookies in Netscape's form: read first if it is there, written at the end
 *       --follow N      follows links of pages, sitemaps and redirects, N links deep, on the
 *                       sites of the URLs; each URL once, as robots.txt allows; --per-host
 *                       is 2 then
 *       --max-pages N   more than so many are not fetched (default 100000)
 *       --queue NAME    takes its URLs from this table, which any number of harvests on any number
 *                       of machines share, and their --rate; it is made, and the URLs are put in
 *       --lease S       what a harvest has that is silent for so long, others take (default 30)
 *       --tree SOCKET   shows what is under way to creche-top SOCKET
 *
 * Ctrl-C, like the deadline, stops what is in flight; what was fetched is stored; a second Ctrl-C
 * gives that up, too. The tree, and who stops what:
 *
 *   everything              the deadline and Ctrl-C cancel it
 *     fetching              COLLECT, limit N: a failure is a result
 *       one task a page     waits for its turn; its fetch is a step with a timeout of its own, as
 *                           is that of robots.txt, which the others of its origin wait for
 *     storing               shielded: outlives the cancellation, for kMercy at most
 *       transactions
 *
 * Exit status: 0 everything was fetched and stored; 1 part of it; 2 nothing; 3 the deadline came
 * before that; 130 Ctrl-C did, 143 SIGTERM (128 and the signal's number); 64 wrong usage. */
#define _POSIX_C_SOURCE 200809L
#include "harvest.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const int64_t kMercy = 15 * CRECHE_SECOND;

int64_t now(const harvest* h) {
  int64_t time = 0;
  creche_now(h->loop.scope, &time);
  return time;
}

double seconds_since(const harvest* h, int64_t then) {
  return (double)(now(h) - then) / 1e9;
}

/* ---- One page ---- */

page* add_page(harvest* h, const char* url, size_t size) {
  if ((h->count & (h->count - 1)) == 0)
    h->pages = must(realloc(h->pages, (h->count == 0 ? 1 : 2 * h->count) * sizeof(page*)));
  page* p = must(calloc(1, sizeof *p));
  p->run = h;
  p->n = h->count;
  p->url = must(malloc(size + 1));
  memcpy(p->url, url, size);
  p->url[size] = '\0';
  return h->pages[h->count++] = p;
}

void free_page(page* p) {
  if (p->key != p->url) free(p->key);
  free(p->host);
  free(p->url);
  free(p);
}

static void fetched(void* user, const creche_completion* c) {
  page* p = user;
  p->ended = now(p->run);
  if (c->status == CRECHE_OK) {
    p->response.id = c->value; /* ours now: released once it is looked at */
    p->body = c->data;
    p->body_size = c->data_size;
  }
  creche_task_finish(p->task, c->status, 0, c->error);
}

void fetch_page(page* p) {
  p->started = now(p->run);
  goes_on(p, creche_session_fetch(p->run->web, p->task.scope, p->url, &p->run->request, fetched, p,
                                  NULL));
}

void goes_on(page* p, creche_status started) {
  if (started != CRECHE_OK) creche_task_finish(p->task, started, 0, creche_last_error());
}

/* The page's task has its turn. Its fetch is a step, so that the timeout counts from here. */
static void turn(void* user, const creche_completion* c) {
  page* p = user;
  if (c->kind != CRECHE_BEGIN) return; /* a cancellation stops the fetch by itself */
  p->task = c->task;
  p->started = p->ended = now(p->run);
  if (p->run->follows)
    ask_origin(p);
  else if (p->host != NULL && p->run->rate > 0)
    queue_wait_for_turn(p);
  else
    fetch_page(p);
}

static void look_at_answer(page* p, row* r) {
  const char* type = creche_response_header(p->response, "content-type", NULL);
  if (type == NULL) type = "";
  r->status = (uint32_t)creche_response_status(p->response);
  r->content_type = clean_text(type, strlen(type), 200, 1);
  r->title = html_title(p->body, p->body_size, r->content_type);
  if (p->run->follows) follow(p, r->status, r->content_type);
  creche_response_release(p->response);
  p->body = NULL;
  if (r->status >= 400) {
    r->error = must(malloc(32));
    snprintf(r->error, 32, "HTTP %u", r->status);
  }
}

/* "CRECHE_E_DNS: what happened": the first word is the kind. */
static char* failure(const creche_completion* c) {
  const char* message = creche_error_message(c->error);
  text all = {NULL, 0, 0};
  text_add(&all, creche_status_name(c->status), strlen(creche_status_name(c->status)));
  text_add(&all, ": ", 2);
  text_add(&all, message, strlen(message));
  char* clean = clean_text(all.data, all.size, 500, 0);
  text_clear(&all);
  return clean;
}

static void page_ended(harvest* h, const creche_completion* c) {
  row r = {c->user, 0, NULL, NULL, NULL};
  if (c->status == CRECHE_E_CANCELLED || h->queue.lost) { /* there is nothing to store */
    creche_response_release(r.of->response);
    h->cancelled++;
    h->failed++;
    return;
  }
  if (h->follows) follow_sitemaps(r.of);
  if (r.of->refused != NULL) {
    r.error = must(strdup(r.of->refused));
  } else if (c->status == CRECHE_OK) {
    h->bytes += r.of->body_size;
    look_at_answer(r.of, &r);
  } else {
    r.error = failure(c);
  }
  if (r.error == NULL)
    h->ok++;
  else
    h->failed++;
  store_row(h, r);
}

/* ---- All of them ---- */

static creche_scope to_interrupt[2];
static volatile sig_atomic_t interrupts, interrupted_by;

static void interrupt(int signal) {
  if (interrupted_by == 0) interrupted_by = signal;
  if (interrupts < 2) creche_scope_interrupt(to_interrupt[interrupts++]);
}

static creche_group open_group(creche_scope in, const creche_group_options* o) {
  creche_group group;
  if (creche_group_open(in, o, creche_nobody, NULL, &group) != CRECHE_OK)
    die(creche_last_error()->message);
  return group;
}

static void open_all(harvest* h) {
  creche_session_options web;
  creche_pool_options pool;
  creche_session_options_init(&web, sizeof web);
  creche_pool_options_init(&pool, sizeof pool);
  web.limit = h->limit;
  web.max_body = h->max_body;
  web.ca_file = h->ca_file;
  be_polite(h, &web);
  pool.max_size = 4;
  pool.application_name = "harvest";
  if (creche_loop_open(NULL, &h->loop) != CRECHE_OK ||
      creche_queue_open(h->loop, NULL, &h->fetched) != CRECHE_OK ||
      creche_queue_open(h->loop, NULL, &h->answered) != CRECHE_OK ||
      creche_session_open(h->loop, &web, &h->web) != CRECHE_OK ||
      creche_pool_open(h->loop, h->dsn, &pool, &h->pool) != CRECHE_OK)
    die(creche_last_error()->message);

  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.policy = CRECHE_COLLECT;
  o.flags = CRECHE_GROUP_JOINABLE;
  o.timeout = h->deadline;
  o.on_timeout = CRECHE_MOVE_ON;
  o.name = "everything";
  h->everything = open_group(h->loop.scope, &o);
  creche_group_options_init(&o, sizeof o);
  o.policy = CRECHE_COLLECT;
  o.shield = 1;
  o.queue = h->answered;
  o.name = "storing";
  h->storing = open_group(h->everything.scope, &o);

  creche_request_options_init(&h->request, sizeof h->request);
  creche_task_options_init(&h->request_task, sizeof h->request_task);
  h->request_task.timeout = h->timeout;
  h->request.task = &h->request_task;
  h->robots_request = h->request;
  h->robots_request.max_redirects = 5; /* RFC 9309 wants so many, and half a megabyte */
  h->robots_request.max_body = 2 << 20;
  if (h->follows) h->request.max_redirects = 0; /* where they lead is asked about first */
  h->started = now(h);
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  h->run_id = (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
  /* Those who share a queue may start at the same moment. */
  if (h->queue.name != NULL) h->run_id += (int64_t)getpid() % 1000;

  to_interrupt[0] = h->everything.scope;
  to_interrupt[1] = h->storing.scope;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = interrupt;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

void start_page(page* p) {
  creche_task_options t;
  creche_task_options_init(&t, sizeof t);
  if (p->run->tree != NULL) t.name = p->url; /* a copy of each: for who looks */
  if (creche_task_spawn(p->run->fetching.scope, turn, p, &t, NULL, p, NULL) != CRECHE_OK)
    die(creche_last_error()->message);
}

/* A page counts against the limit until its completion is released: whoever looks at pages more
 * slowly than they come slows down their coming, and holds `limit` bodies at the most. */
static void start_pages(harvest* h) {
  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.policy = CRECHE_COLLECT;
  o.flags = CRECHE_GROUP_UNTIL_RELEASED;
  o.limit = h->limit;
  o.queue = h->fetched;
  o.name = "fetching";
  if (creche_group_open(h->everything.scope, &o, NULL, NULL, &h->fetching) != CRECHE_OK)
    die(creche_last_error()->message);
  if (h->follows) keep_unlike(h);
  for (size_t i = 0; i < h->count; i++) start_page(h->pages[i]);
  /* A page that is not released keeps it open for those it leads to. */
  if (h->queue.name == NULL) creche_group_close(h->fetching);
}

static void hear_pages(harvest* h) {
  creche_completion done[32];
  size_t n = 0;
  for (int ended = 0; !ended; creche_completions_release(done, n)) {
    queue_fill(h);
    const creche_status status =
        creche_queue_wait(h->fetched, done, 32, 100 * CRECHE_MILLISECOND, &n);
    if (status != CRECHE_OK && status != CRECHE_E_TIMEOUT && status != CRECHE_E_INTERRUPTED)
      die(creche_last_error()->message);
    if (status != CRECHE_OK) n = 0;
    queue_keep(h);
    for (size_t i = 0; i < n; i++)
      if (done[i].task.scope.id == h->fetching.scope.id)
        ended = 1; /* the group's own comes last */
      else
        page_ended(h, &done[i]);
    store_collect(h, 0);
    show_progress(h, 0);
  }
}

static void store_the_rest(harvest* h) {
  creche_scope_state state;
  if (creche_scope_get_state(h->everything.scope, &state, sizeof state) == CRECHE_OK &&
      state.effective)
    creche_scope_set_timeout(h->storing.scope, kMercy);
  store_flush(h);
  while (h->committing > 0) {
    store_collect(h, 100 * CRECHE_MILLISECOND);
    queue_keep(h);
    show_progress(h, 0);
  }
  show_progress(h, 1);
}

/* Why the run was stopped before its end, or CRECHE_REASON_NONE: its outcome knows. */
static uint32_t end_all(harvest* h) {
  creche_outcome outcome;
  creche_status ended;
  creche_group_close(h->storing);
  do {
    ended = creche_group_join(h->everything, kMercy, &outcome); /* closes it, too */
  } while (ended == CRECHE_E_INTERRUPTED);
  return ended == CRECHE_OK ? outcome.reason : CRECHE_REASON_NONE;
}

static int exit_status(const harvest* h, uint32_t reason) {
  if (h->ok == h->count && h->stored == h->count) return 0;
  if (reason == CRECHE_REASON_DEADLINE) return 3;
  if (reason == CRECHE_REASON_INTERRUPT) return 128 + (int)interrupted_by;
  return h->ok == 0 || h->stored == 0 ? 2 : 1;
}

int main(int argc, char** argv) {
  static harvest h;
  read_arguments(&h, argc, argv);
  open_all(&h);
  show_tree(&h);
  if (store_open(&h) == 0 && (h.queue.name == NULL || queue_open(&h) == 0)) {
    start_pages(&h);
    hear_pages(&h);
    store_the_rest(&h);
    queue_give_back(&h);
  } else {
    h.failed = h.cancelled = h.count;
  }
  const double seconds = seconds_since(&h, h.started);
  keep_cookies(&h);
  if (h.stored > 0) show_report(&h);
  show_not_stored(&h);

  const int status = exit_status(&h, end_all(&h));
  hide_tree(&h);
  creche_loop_close(h.loop);
  creche_status joined;
  do {
    joined = creche_loop_join(h.loop, kMercy);
  } while (joined == CRECHE_E_INTERRUPTED);
  if (joined != CRECHE_OK) fprintf(stderr, "harvest: %s\n", creche_last_error()->message);

  printf("harvest: %zu urls, %zu ok, %zu failed, %zu rows stored, %.1f s\n", h.count, h.ok,
         h.failed, h.stored, seconds);
  forget_origins(&h);
  for (size_t i = 0; i < h.count; i++) free_page(h.pages[i]);
  free(h.pages);
  table_clear(&h.seen);
  free(h.quoted_table);
  free(h.insert);
  free(h.store_error);
  return status == 0 && joined != CRECHE_OK ? 1 : status;
}
