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
 *       --tree SOCKET   shows what is under way to creche-top SOCKET
 *
 * Ctrl-C, like the deadline, stops what is in flight; what was fetched is stored; a second Ctrl-C
 * gives that up, too. The tree, and who stops what:
 *
 *   everything              the deadline and Ctrl-C cancel it
 *     fetching              COLLECT, limit N: a failure is a result
 *       one task a page     waits for its turn; its fetch is a step with a timeout of its own
 *     storing               shielded: outlives the cancellation, for kMercy at most
 *       transactions
 *
 * Exit status: 0 everything was fetched and stored; 1 part of it; 2 nothing; 3 the deadline came
 * before that; 130 Ctrl-C did, 143 SIGTERM (128 and the signal's number); 64 wrong usage. */
#define _POSIX_C_SOURCE 200809L
#include "harvest.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t kMercy = 15 * CRECHE_SECOND;

int64_t now(const harvest* h) {
  int64_t time = 0;
  creche_now(h->loop.scope, &time);
  return time;
}

double seconds_since(const harvest* h, int64_t then) {
  return (double)(now(h) - then) / 1e9;
}

/* ---- What is to be done ---- */

static void usage(FILE* to) {
  fputs(
      "usage: harvest [-f FILE] [-d DSN] [--table NAME] [--limit N] [--timeout S] [--deadline S]\n"
      "               [--batch N] [--max-body BYTES] [--ca FILE] [--per-host N] [--rate R]\n"
      "               [--retries N] [--proxy URL] [--cookies FILE] [--tree SOCKET] [URL...]\n",
      to);
}

static void misused(const char* what, const char* argument) {
  fprintf(stderr, "harvest: %s%s%s\n", what, argument != NULL ? ": " : "",
          argument != NULL ? argument : "");
  usage(stderr);
  exit(64);
}

static double number(const char* text, double least, double most) {
  char* end = NULL;
  errno = 0;
  const double value = strtod(text, &end);
  if (end == text || *end != '\0' || errno != 0 || !(value >= least && value <= most))
    misused("not a number in range", text);
  return value;
}

static void add_url(harvest* h, const char* url, size_t size) {
  if ((h->count & (h->count - 1)) == 0)
    h->pages = must(realloc(h->pages, (h->count == 0 ? 1 : 2 * h->count) * sizeof *h->pages));
  page* p = memset(&h->pages[h->count++], 0, sizeof *p);
  p->run = h;
  p->url = must(malloc(size + 1));
  memcpy(p->url, url, size);
  p->url[size] = '\0';
}

static void read_urls(harvest* h, const char* path) {
  const int is_stdin = strcmp(path, "-") == 0;
  FILE* file = is_stdin ? stdin : fopen(path, "re");
  char* line = NULL;
  size_t room = 0;
  ssize_t size;
  if (file == NULL) misused(strerror(errno), path);
  while ((size = getline(&line, &room, file)) >= 0) {
    const char* from = line;
    while (size > 0 && strchr(" \t\r\n", line[size - 1]) != NULL && line[size - 1] != '\0') size--;
    for (; size > 0 && (*from == ' ' || *from == '\t'); size--) from++;
    /* A NUL is in no URL: let it fail as what it is, not as what stands before it. */
    for (char* at = line; (at = memchr(at, '\0', (size_t)(from + size - at))) != NULL;) *at = '\1';
    if (size > 0 && *from != '#') add_url(h, from, (size_t)size);
  }
  free(line);
  if (ferror(file)) misused("cannot be read", path);
  if (!is_stdin) fclose(file);
}

static void read_arguments(harvest* h, int argc, char** argv) {
  static const struct option kOptions[] = {
      {"file", 1, NULL, 'f'},     {"dsn", 1, NULL, 'd'},     {"table", 1, NULL, 't'},
      {"limit", 1, NULL, 'l'},    {"timeout", 1, NULL, 's'}, {"deadline", 1, NULL, 'e'},
      {"batch", 1, NULL, 'b'},    {"ca", 1, NULL, 'c'},      {"max-body", 1, NULL, 'm'},
      {"per-host", 1, NULL, 'p'}, {"rate", 1, NULL, 'r'},    {"retries", 1, NULL, 'n'},
      {"proxy", 1, NULL, 'x'},    {"cookies", 1, NULL, 'k'}, {"tree", 1, NULL, 'v'},
      {"help", 0, NULL, 'h'},     {NULL, 0, NULL, 0}};
  memset(h, 0, sizeof *h);
  h->dsn = getenv("DATABASE_URL");
  h->table = "harvest";
  h->limit = 50;
  h->batch_size = 100;
  h->timeout = 30 * CRECHE_SECOND;
  h->deadline = CRECHE_NEVER;
  h->max_body = UINT64_C(16) << 20;
  for (int option; (option = getopt_long(argc, argv, "f:d:h", kOptions, NULL)) != -1;) {
    if (option == 'f') read_urls(h, optarg);
    if (option == 'd') h->dsn = optarg;
    if (option == 't') h->table = optarg;
    if (option == 'c') h->ca_file = optarg;
    if (option == 'l') h->limit = (uint32_t)number(optarg, 1, 100000);
    if (option == 'b') h->batch_size = (uint32_t)number(optarg, 1, 100000);
    if (option == 'm') h->max_body = (uint64_t)number(optarg, 1, 1e12);
    if (option == 's') h->timeout = (int64_t)(number(optarg, 0.001, 1e6) * 1e9);
    if (option == 'e') h->deadline = (int64_t)(number(optarg, 0.001, 1e9) * 1e9);
    if (option == 'p') h->per_host = (uint32_t)number(optarg, 1, 100000);
    if (option == 'r') h->rate = number(optarg, 0.001, 1e6);
    if (option == 'n') h->retries = (uint32_t)number(optarg, 0, 100);
    if (option == 'x') h->proxy = optarg;
    if (option == 'k') h->cookie_file = optarg;
    if (option == 'v') h->tree = optarg;
    if (option == 'h' || option == '?') {
      usage(option == 'h' ? stdout : stderr);
      exit(option == 'h' ? 0 : 64);
    }
  }
  for (; optind < argc; optind++) add_url(h, argv[optind], strlen(argv[optind]));
  if (h->count == 0) misused("no URLs", NULL);
  if (*h->table == '\0') misused("the table has no name", NULL);
}

/* ---- One page ---- */

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

/* The page's task has its turn. Its fetch is a step, so that the timeout counts from here. */
static void turn(void* user, const creche_completion* c) {
  page* p = user;
  if (c->kind != CRECHE_BEGIN) return; /* a cancellation stops the fetch by itself */
  p->task = c->task;
  p->started = p->ended = now(p->run);
  const creche_status started =
      creche_session_fetch(p->run->web, c->task.scope, p->url, &p->run->request, fetched, p, NULL);
  if (started != CRECHE_OK) creche_task_finish(c->task, started, 0, creche_last_error());
}

static void look_at_answer(page* p, row* r) {
  const char* type = creche_response_header(p->response, "content-type", NULL);
  if (type == NULL) type = "";
  r->status = (uint32_t)creche_response_status(p->response);
  r->content_type = clean_text(type, strlen(type), 200, 1);
  r->title = html_title(p->body, p->body_size, r->content_type);
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
  if (c->status == CRECHE_E_CANCELLED) { /* not its own fault: there is nothing to store */
    h->cancelled++;
    h->failed++;
    return;
  }
  if (c->status == CRECHE_OK) {
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
  h->started = now(h);
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  h->run_id = (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;

  to_interrupt[0] = h->everything.scope;
  to_interrupt[1] = h->storing.scope;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = interrupt;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
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
  creche_task_options t;
  creche_task_options_init(&t, sizeof t);
  for (size_t i = 0; i < h->count; i++) {
    page* p = &h->pages[i];
    if (h->tree != NULL) t.name = p->url; /* a copy of each: for who looks */
    if (creche_task_spawn(h->fetching.scope, turn, p, &t, NULL, p, NULL) != CRECHE_OK)
      die(creche_last_error()->message);
  }
  creche_group_close(h->fetching);
}

static void hear_pages(harvest* h) {
  creche_completion done[32];
  size_t n = 0;
  for (int ended = 0; !ended; creche_completions_release(done, n)) {
    const creche_status status =
        creche_queue_wait(h->fetched, done, 32, 100 * CRECHE_MILLISECOND, &n);
    if (status != CRECHE_OK && status != CRECHE_E_TIMEOUT && status != CRECHE_E_INTERRUPTED)
      die(creche_last_error()->message);
    if (status != CRECHE_OK) n = 0;
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
  if (store_open(&h) == 0) {
    start_pages(&h);
    hear_pages(&h);
    store_the_rest(&h);
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
  for (size_t i = 0; i < h.count; i++) free(h.pages[i].url);
  free(h.pages);
  free(h.quoted_table);
  free(h.insert);
  free(h.store_error);
  return status == 0 && joined != CRECHE_OK ? 1 : status;
}
