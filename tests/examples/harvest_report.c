/* What harvest shows: how far it is, what is not stored, and what the database says of the run. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harvest.h"

/* ---- While it runs ---- */

static void print_bytes(FILE* to, double bytes) {
  static const char* const kUnits[] = {"B", "KiB", "MiB", "GiB"};
  int unit = 0;
  for (; bytes >= 1024 && unit < 3; unit++) bytes /= 1024;
  fprintf(to, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, kUnits[unit]);
}

/* One line that is drawn again on a terminal; elsewhere a line every few seconds. */
void show_progress(harvest* h, int last) {
  static int64_t shown;
  static int terminal = -1;
  if (terminal < 0) {
    terminal = isatty(STDERR_FILENO);
    shown = h->started;
  }
  const int64_t time = now(h);
  if (!last && time - shown < (terminal ? 100 * CRECHE_MILLISECOND : 2 * CRECHE_SECOND)) return;
  shown = time;
  const double seconds = (double)(time - h->started) / 1e9;
  const size_t done = h->ok + h->failed;
  creche_session_counters web;
  if (creche_session_get_counters(h->web, &web, sizeof web) != CRECHE_OK) web.active = 0;
  if (terminal) fputs("\r\033[K", stderr);
  fprintf(stderr, "%zu/%zu done, %zu failed, %u in flight, %zu stored, ", done, h->count, h->failed,
          (unsigned)web.active, h->stored);
  print_bytes(stderr, (double)h->bytes);
  fprintf(stderr, ", %.0f/s%s", seconds > 0 ? (double)done / seconds : 0.0,
          terminal && !last ? "" : "\n");
  fflush(stderr);
}

/* ---- What is missing ---- */

void show_not_stored(const harvest* h) {
  static const size_t kFew = 5;
  const size_t missing = h->count - h->stored;
  creche_scope_state state;
  if (missing == 0) return;
  const char* why = "";
  if (creche_scope_get_state(h->everything.scope, &state, sizeof state) == CRECHE_OK)
    why = state.reason == CRECHE_REASON_DEADLINE    ? " (the deadline has passed)"
          : state.reason == CRECHE_REASON_INTERRUPT ? " (interrupted)"
                                                    : "";
  printf("stored: %zu of %zu; not stored: %zu, of which %zu were not fetched%s\n", h->stored,
         h->count, missing, h->cancelled, why);
  if (h->store_error != NULL) printf("  the database: %s\n", h->store_error);
  size_t shown = 0;
  for (size_t i = 0; i < h->count && shown < kFew; i++) {
    if (h->pages[i]->stored) continue;
    char* url = clean_text(h->pages[i]->url, strlen(h->pages[i]->url), 200, 0);
    printf("  %s\n", url);
    free(url);
    shown++;
  }
  if (missing > kFew) printf("  and %zu more\n", missing - kFew);
}

/* ---- What the database says ---- */

typedef void (*row_fn)(void* user, const creche_row_block* rows, uint64_t row);

/* Calls `each` for every row of a statement whose $1 is the run: blocks come as they are read, and
 * a server that sends faster than we look is held back. 0 or -1. */
static int each_row(harvest* h, const char* select, row_fn each, void* user) {
  const size_t room = strlen(select) + strlen(h->quoted_table) + 1;
  char* sql = must(malloc(room));
  const creche_value run = creche_timestamptz(h->run_id);
  snprintf(sql, room, select, h->quoted_table);
  creche_status status =
      creche_pool_stream(h->pool, h->storing.scope, sql, &run, 1, NULL, NULL, NULL, NULL);
  free(sql);
  if (status != CRECHE_OK) die(creche_last_error()->message);
  creche_completion c;
  for (int more = 1; more; creche_completions_release(&c, 1)) {
    size_t n = 0;
    do {
      status = creche_queue_wait(h->answered, &c, 1, CRECHE_NEVER, &n);
    } while (status == CRECHE_E_INTERRUPTED);
    if (status != CRECHE_OK) die(creche_last_error()->message);
    more = (c.flags & CRECHE_MORE) != 0;
    if (c.kind == CRECHE_ROWS) {
      const creche_row_block* rows = c.data;
      for (uint64_t row = 0; row < rows->row_count; row++) each(user, rows, row);
    } else if (c.status != CRECHE_OK) {
      printf("no report: %s\n", creche_error_message(c.error));
    }
    status = c.status;
  }
  return status == CRECHE_OK ? 0 : -1;
}

/* Numbers to the right, text to the left and cut; the last column may be wide. */
static void print_row(void* user, const creche_row_block* rows, uint64_t row) {
  int* any = user;
  const uint32_t columns = rows->column_count;
  char cell[512];
  if (!*any) {
    for (uint32_t i = 0; i < columns; i++)
      printf(creche_row_column_type(rows, i) == CRECHE_PG_INT8 ? "  %10s" : "  %-24s",
             creche_row_column_name(rows, i));
    putchar('\n');
  }
  *any = 1;
  for (uint32_t i = 0; i < columns; i++) {
    /* NULL is empty; what is too long is cut. */
    const creche_status status = creche_row_get_format(rows, row, i, cell, sizeof cell, NULL);
    if (status != CRECHE_OK && status != CRECHE_E_NULL && status != CRECHE_E_LIMIT)
      die(creche_last_error()->message);
    const size_t width = i + 1 < columns ? 24 : 80;
    size_t characters = 0, bytes = 0;
    for (; cell[bytes] != '\0'; bytes++) {
      if (((unsigned char)cell[bytes] & 0xc0) != 0x80 && characters++ == width) break;
    }
    if (characters > width) characters = width;
    cell[bytes] = '\0';
    if (creche_row_column_type(rows, i) == CRECHE_PG_INT8)
      printf("  %10s", cell);
    else
      printf("  %s%*s", cell, i + 1 < columns ? (int)(width - characters) : 0, "");
  }
  putchar('\n');
}

static void print_table(harvest* h, const char* heading, const char* select) {
  int any = 0;
  printf("%s\n", heading);
  if (each_row(h, select, print_row, &any) == 0 && !any) printf("  none\n");
}

/* ---- Latencies ---- */

enum { kBars = 16, kWidth = 50 };
static const double kUpTo[kBars] = {0.5, 1,   2,    5,    10,   20,    50,    100,
                                    200, 500, 1000, 2000, 5000, 10000, 30000, 1e300};

typedef struct latencies {
  double* ms; /* as they come: ordered */
  size_t count, capacity;
  size_t bars[kBars];
} latencies;

static void count_latency(void* user, const creche_row_block* rows, uint64_t row) {
  latencies* all = user;
  double ms;
  if (creche_row_get_float8(rows, row, 0, &ms) != CRECHE_OK) die(creche_last_error()->message);
  int bar = 0;
  while (ms > kUpTo[bar]) bar++;
  all->bars[bar]++;
  if (all->count == all->capacity) return; /* more rows than this run stored: cannot be */
  all->ms[all->count++] = ms;
}

static void show_latencies(harvest* h) {
  latencies all;
  memset(&all, 0, sizeof all);
  all.capacity = h->stored;
  all.ms = must(malloc(all.capacity * sizeof *all.ms));
  if (each_row(h, "select ms from %s where run = $1 order by ms", count_latency, &all) == 0 &&
      all.count > 0) {
    size_t highest = 1;
    int first = 0, last = kBars - 1;
    while (all.bars[first] == 0) first++;
    while (all.bars[last] == 0) last--;
    for (int i = first; i <= last; i++)
      if (all.bars[i] > highest) highest = all.bars[i];
    printf("latency: median %.1f ms, 95%% within %.1f ms, 99%% within %.1f ms, longest %.1f ms\n",
           all.ms[all.count / 2], all.ms[all.count * 95 / 100], all.ms[all.count * 99 / 100],
           all.ms[all.count - 1]);
    for (int i = first; i <= last; i++) {
      if (i == kBars - 1)
        printf("     longer %8zu  ", all.bars[i]);
      else
        printf("%8g ms %8zu  ", kUpTo[i], all.bars[i]);
      /* Something that is there is seen. */
      const size_t width = (all.bars[i] * kWidth + highest - 1) / highest;
      for (size_t x = 0; x < width; x++) putchar('#');
      putchar('\n');
    }
  }
  free(all.ms);
}

void show_report(harvest* h) {
  print_table(h, "slowest:",
              "select round(ms)::bigint as ms, size as bytes, url from %s as harvest"
              " where run = $1 order by harvest.ms desc limit 5");
  print_table(
      h, "largest:",
      "select size as bytes, round(ms)::bigint as ms, coalesce(title, content_type) as what,"
      " url from %s where run = $1 and error is null order by size desc, n limit 5");
  print_table(h, "failures:",
              "select count(*) as pages, split_part(error, ':', 1) as kind, min(url) as example"
              " from %s where run = $1 and error is not null group by 2 order by 1 desc limit 10");
  show_latencies(h);
}
