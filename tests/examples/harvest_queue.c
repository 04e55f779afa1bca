/* harvest: a crawl that any number of processes share, on any number of machines: its URLs are the
 * rows of a table. A process takes some (FOR UPDATE SKIP LOCKED: nobody waits for another), keeps
 * them by saying again and again that it lives, and marks each as done in the statement that stores
 * what became of it. What a process had that says so no more is taken by another. Turns in the rate
 * of a host are handed out by the database, too.
 *
 * Who cannot say in time that he lives stops: what he has may be somebody else's. So no page is
 * fetched by two that both live, and none is stored twice. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harvest.h"

/* Between two looks whether others have left something. */
static const int64_t kPause = 200 * CRECHE_MILLISECOND;

/* A statement with %q for the queue's table, %h for that of its hosts, %t for the results'. */
static char* statement(const harvest* h, const char* format) {
  text made = {NULL, 0, 0};
  for (const char* at = format; *at != '\0'; at++) {
    const char* name = at[0] != '%'   ? NULL
                       : at[1] == 'q' ? h->queue.quoted
                       : at[1] == 'h' ? h->queue.quoted_hosts
                                      : h->quoted_table;
    text_add(&made, name != NULL ? name : at, name != NULL ? strlen(name) : 1);
    at += name != NULL;
  }
  return made.data;
}

/* Runs a statement and waits for it, but not so long that this process would be taken for dead. */
static creche_status ask(harvest* h, creche_scope in, const char* format, const creche_value* args,
                         size_t count, creche_rows* rows) {
  creche_task_options t;
  creche_query_options o;
  creche_rows unwanted = {0};
  creche_task_options_init(&t, sizeof t);
  creche_query_options_init(&o, sizeof o);
  t.timeout = h->queue.lease / 4;
  o.task = &t;
  char* made = statement(h, format);
  const creche_status status =
      creche_query_in(h->pool, in, made, args, count, &o, rows != NULL ? rows : &unwanted);
  free(made);
  creche_rows_release(unwanted);
  return status;
}

static creche_value holder(const harvest* h) {
  return creche_text(h->queue.holder);
}
static creche_value lease_in_seconds(const harvest* h) {
  return creche_float8((double)h->queue.lease / 1e9);
}

/* ---- The tables ---- */

/* What the user gave is put into the queue, where it may be already. */
static creche_status put_urls(harvest* h) {
  text urls = {NULL, 0, 0};
  for (size_t i = 0; i < h->count; i++) {
    char* url = clean_text(h->pages[i]->url, strlen(h->pages[i]->url), SIZE_MAX, 0);
    array_add(&urls, url);
    free(url);
    free_page(h->pages[i]);
  }
  array_end(&urls);
  h->count = 0;
  const creche_value all = creche_text_n(urls.data, urls.size);
  const creche_status status =
      ask(h, h->everything.scope,
          "insert into %q (url, host)"
          " select url, lower(substring(url from '^[^:]*://([^/?#]*)')) from unnest($1::text[]) url"
          " on conflict (url) do nothing",
          &all, 1, NULL);
  text_clear(&urls);
  return status;
}

/* The rows of a batch, of which only those are stored that are still this process's. */
static char* insert_of(const harvest* h) {
  return statement(
      h,
      "with mine as (update %q set done = true, holder = null where url = any($3::text[])"
      " and holder = $10 and not done returning url)"
      " insert into %t (run, n, url, status, content_type, size, ms, title, error)"
      " select $1::timestamptz, r.* from unnest($2::integer[], $3::text[], $4::integer[],"
      " $5::text[], $6::bigint[], $7::float8[], $8::text[], $9::text[]) r (n, url)"
      " where r.url in (select url from mine) on conflict (run, n) do nothing");
}

int queue_open(harvest* h) {
  text hosts = {NULL, 0, 0};
  text_add(&hosts, h->queue.name, strlen(h->queue.name));
  text_add(&hosts, "_hosts", 6);
  h->queue.quoted = quoted_name(h->queue.name);
  h->queue.quoted_hosts = quoted_name(hosts.data);
  text_clear(&hosts);
  snprintf(h->queue.holder, sizeof h->queue.holder, "%lld", (long long)h->run_id);
  h->queue.said = now(h);
  /* Two that make a table at the same moment would be in one another's way. */
  creche_status status =
      ask(h, h->everything.scope,
          "do $harvest$ begin perform pg_advisory_xact_lock(5349); create table if not exists %q"
          " (url text primary key, host text, done boolean not null default false, holder text,"
          " held_until timestamptz, taken integer not null default 0); create table if not exists"
          " %h (host text primary key, next timestamptz not null); end $harvest$",
          NULL, 0, NULL);
  if (status == CRECHE_OK && h->count > 0) status = put_urls(h);
  if (status == CRECHE_OK) {
    free(h->insert);
    h->insert = insert_of(h);
    return 0;
  }
  h->store_error = must(strdup(creche_last_error()->message));
  fprintf(stderr, "harvest: no queue %s: %s\n", h->queue.name, h->store_error);
  return -1;
}

/* ---- Who has what ---- */

void queue_keep(harvest* h) {
  const int64_t time = now(h);
  if (h->queue.name == NULL || h->queue.over) return;
  if (time - h->queue.said > h->queue.lease * 3 / 4) {
    h->queue.over = h->queue.lost = 1;
    creche_scope_cancel(h->everything.scope, "the queue has not heard that this process lives");
    creche_group_close(h->fetching);
    return;
  }
  if (time - h->queue.said < h->queue.lease / 3) return;
  const creche_value args[] = {holder(h), lease_in_seconds(h)};
  if (ask(h, h->storing.scope,
          "update %q set held_until = clock_timestamp() + $2 * interval '1 s'"
          " where holder = $1 and not done",
          args, 2, NULL) == CRECHE_OK)
    h->queue.said = time;
}

/* Takes up to `most` pages; how many there were, or -1. */
static int64_t take(harvest* h, uint32_t most) {
  const creche_value args[] = {creche_int8(most), holder(h), lease_in_seconds(h)};
  creche_rows rows = {0};
  if (ask(h, h->everything.scope,
          "with due as (select url from %q where not done and taken < 10 and"
          " (held_until is null or held_until < clock_timestamp()) limit $1"
          " for update skip locked) update %q q set holder = $2, taken = q.taken + 1,"
          " held_until = clock_timestamp() + $3 * interval '1 s' from due where q.url = due.url"
          " returning q.url, coalesce(q.host, '')",
          args, 3, &rows) != CRECHE_OK)
    return -1;
  const creche_row_block* block = creche_rows_block(rows);
  const uint64_t count = block->row_count;
  for (uint64_t i = 0; i < count; i++) {
    size_t size = 0, host_size = 0;
    const char* url = creche_row_text(block, i, 0, &size);
    const char* host = creche_row_text(block, i, 1, &host_size);
    page* p = add_page(h, url, size);
    p->host = must(strndup(host, host_size));
    start_page(p);
  }
  creche_rows_release(rows);
  return (int64_t)count;
}

/* Whether there is something that nobody has done. */
static int is_something_left(harvest* h) {
  creche_rows rows = {0};
  int left = 1;
  if (ask(h, h->everything.scope,
          "select exists (select from %q where not done and taken < 10)::integer", NULL, 0,
          &rows) == CRECHE_OK)
    left = creche_row_int4(creche_rows_block(rows), 0, 0) != 0;
  creche_rows_release(rows);
  return left;
}

static int is_cancelled(const harvest* h) {
  creche_scope_state state;
  return creche_scope_get_state(h->everything.scope, &state, sizeof state) == CRECHE_OK &&
         state.effective;
}

void queue_fill(harvest* h) {
  if (h->queue.name == NULL || h->queue.over) return;
  queue_keep(h);
  if (h->queue.over) return;
  h->queue.held = h->count - h->ok - h->failed;
  if (h->queue.held * 2 > h->limit) return;
  int64_t taken = 0;
  if (!is_cancelled(h)) {
    if (h->queue.held == 0 && now(h) < h->queue.look_at) return;
    taken = take(h, h->limit - (uint32_t)h->queue.held);
    if (taken > 0 || h->queue.held > 0) return;
    store_flush(h); /* what is not stored is not done */
    h->queue.look_at = now(h) + kPause;
    if (taken < 0 || h->committing > 0 || is_something_left(h)) return;
  }
  h->queue.over = 1;
  creche_group_close(h->fetching);
}

void queue_give_back(harvest* h) {
  const creche_value me = holder(h);
  if (h->queue.name == NULL) return;
  (void)ask(h, h->storing.scope,
            "update %q set holder = null, held_until = null, taken = taken - 1"
            " where holder = $1 and not done",
            &me, 1, NULL); /* if not, others take it when its time is over */
  free(h->queue.quoted);
  free(h->queue.quoted_hosts);
}

/* ---- Turns (the loop's thread) ---- */

static void waited(void* user, const creche_completion* c) {
  page* p = user;
  if (c->status == CRECHE_OK)
    fetch_page(p);
  else
    creche_task_finish(p->task, c->status, 0, c->error);
}

static void placed(void* user, const creche_completion* c) {
  page* p = user;
  double seconds = 0;
  if (c->status != CRECHE_OK) {
    creche_task_finish(p->task, c->status, 0, c->error);
    return;
  }
  if (creche_row_get_float8(c->data, 0, 0, &seconds) != CRECHE_OK) seconds = 0;
  creche_rows_release((creche_rows){c->value});
  goes_on(p, creche_sleep(p->task.scope, (int64_t)(seconds * 1e9), NULL, waited, p, NULL));
}

void queue_wait_for_turn(page* p) {
  harvest* h = p->run;
  const creche_value args[] = {creche_text(p->host), creche_float8(1 / h->rate)};
  char* made = statement(
      h,
      "insert into %h as h values ($1, clock_timestamp() + $2 * interval '1 s')"
      " on conflict (host) do update"
      " set next = greatest(h.next, clock_timestamp()) + $2 * interval '1 s' returning"
      " greatest(0, extract(epoch from h.next - $2 * interval '1 s' - clock_timestamp()))::float8");
  goes_on(p, creche_pool_query(h->pool, p->task.scope, made, args, 2, NULL, placed, p, NULL));
  free(made);
}
