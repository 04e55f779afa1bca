/* Rows on their way to the database: batches, each of them one transaction.
 *
 * A row's key is the run and the page's number in it, and inserting it again does nothing. So a
 * batch whose commit was sent and never answered is simply sent again: afterwards it is there,
 * once. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harvest.h"

enum { kColumns = 8, kAttempts = 5, kMostCommitting = 4 };

struct batch {
  harvest* run;
  page** pages;
  uint32_t count;
  int attempts;
  int resting; /* what comes next is the end of a pause */
  text columns[kColumns];
  creche_task task; /* of the transaction's body */
};

/* ---- The table ---- */

int store_open(harvest* h) {
  static const char kTable[] = /* in their turn: two at once would be in one another's way */
      "do $harvest$ begin perform pg_advisory_xact_lock(5349);"
      " create table if not exists %s (run timestamptz not null, n integer not null,"
      " url text not null, status integer, content_type text, size bigint, ms float8 not null,"
      " title text, error text, primary key (run, n)); end $harvest$";
  static const char kInsert[] =
      "insert into %s (run, n, url, status, content_type, size, ms, title, error)"
      " select $1::timestamptz, * from unnest($2::integer[], $3::text[], $4::integer[],"
      " $5::text[], $6::bigint[], $7::float8[], $8::text[], $9::text[])"
      " on conflict (run, n) do nothing";
  creche_completion c;
  size_t n = 0;
  h->quoted_table = quoted_name(h->table);
  const size_t room = sizeof kInsert + sizeof kTable + strlen(h->quoted_table);
  char* create = must(malloc(room));
  h->insert = must(malloc(room));
  snprintf(create, room, kTable, h->quoted_table);
  snprintf(h->insert, room, kInsert, h->quoted_table);
  creche_status status =
      creche_pool_query(h->pool, h->storing.scope, create, NULL, 0, NULL, NULL, NULL, NULL);
  free(create);
  if (status != CRECHE_OK) die(creche_last_error()->message);
  do {
    status = creche_queue_wait(h->answered, &c, 1, CRECHE_NEVER, &n);
  } while (status == CRECHE_E_INTERRUPTED);
  if (status != CRECHE_OK) die(creche_last_error()->message);
  status = c.status;
  if (status != CRECHE_OK) {
    h->store_error = must(strdup(creche_error_message(c.error)));
    fprintf(stderr, "harvest: no table %s: %s\n", h->table, h->store_error);
  }
  creche_completions_release(&c, n);
  return status == CRECHE_OK ? 0 : -1;
}

/* ---- One batch ---- */

static void inserted(void* user, const creche_completion* c) {
  batch* b = user;
  if (c->flags & CRECHE_OWNED) creche_rows_release((creche_rows){c->value});
  creche_task_finish(b->task, c->status, 0, c->error);
}

/* The transaction's body. What follows a good finish, the commit, nobody can cut short. */
static void insert_all(void* user, const creche_completion* c) {
  batch* b = user;
  if (c->kind != CRECHE_BEGIN) return; /* a cancellation stops the statement by itself */
  creche_value args[1 + kColumns + 1] = {creche_timestamptz(b->run->run_id)};
  for (int i = 0; i < kColumns; i++)
    args[1 + i] = creche_text_n(b->columns[i].data, b->columns[i].size);
  args[1 + kColumns] = creche_text(b->run->queue.holder);
  b->task = c->task;
  const creche_status started =
      creche_connection_query((creche_connection){c->value}, c->task.scope, b->run->insert, args,
                              1 + kColumns + (b->run->queue.name != NULL), NULL, inserted, b, NULL);
  if (started != CRECHE_OK) creche_task_finish(c->task, started, 0, creche_last_error());
}

static void send_batch(batch* b) {
  creche_transaction_options o;
  creche_transaction_options_init(&o, sizeof o);
  o.retries = 3; /* of what only means "again, please" */
  b->attempts++;
  b->resting = 0;
  if (creche_pool_transaction(b->run->pool, b->run->storing.scope, insert_all, b, &o, NULL, b,
                              NULL) != CRECHE_OK)
    die(creche_last_error()->message);
}

/* A server that is starting again is worth some patience; an SQL error is not. */
static int is_worth_another_try(const creche_completion* c, const batch* b) {
  if (b->attempts >= kAttempts || c->status == CRECHE_E_CANCELLED) return 0;
  return c->status != CRECHE_E_PG || creche_error_is_retryable(c->error) ||
         strncmp(c->error->sqlstate, "57P", 3) == 0 || strncmp(c->error->sqlstate, "53", 2) == 0;
}

static void end_batch(batch* b) {
  b->run->committing--;
  for (int i = 0; i < kColumns; i++) text_clear(&b->columns[i]);
  free(b->pages);
  free(b);
}

static void hear(batch* b, const creche_completion* c) {
  harvest* h = b->run;
  if (b->resting && c->status == CRECHE_OK) {
    send_batch(b);
  } else if (c->status == CRECHE_OK) {
    for (uint32_t i = 0; i < b->count; i++) b->pages[i]->stored = 1;
    h->stored += b->count;
    end_batch(b);
  } else if (is_worth_another_try(c, b)) {
    const int64_t pause = (INT64_C(250) << b->attempts) * CRECHE_MILLISECOND;
    b->resting = 1;
    if (creche_sleep(h->storing.scope, pause, NULL, NULL, b, NULL) != CRECHE_OK)
      die(creche_last_error()->message);
  } else {
    if (h->store_error == NULL) h->store_error = must(strdup(creche_error_message(c->error)));
    creche_scope_cancel(h->everything.scope, "rows cannot be stored");
    end_batch(b);
  }
}

void store_collect(harvest* h, int64_t timeout) {
  creche_completion done[16];
  size_t n = 0;
  const creche_status status = timeout > 0 ? creche_queue_wait(h->answered, done, 16, timeout, &n)
                                           : creche_queue_drain(h->answered, done, 16, &n);
  if (status != CRECHE_OK && status != CRECHE_E_TIMEOUT && status != CRECHE_E_INTERRUPTED)
    die(creche_last_error()->message);
  for (size_t i = 0; i < n; i++) hear(done[i].user, &done[i]);
  creche_completions_release(done, n);
}

/* ---- Rows ---- */

void store_flush(harvest* h) {
  batch* b = h->open;
  if (b == NULL) return;
  h->open = NULL;
  while (h->committing >= kMostCommitting) {
    store_collect(h, 100 * CRECHE_MILLISECOND);
    queue_keep(h);
    show_progress(h, 0);
  }
  for (int i = 0; i < kColumns; i++) array_end(&b->columns[i]);
  h->committing++;
  send_batch(b);
}

static void add_number_or_null(text* array, int known, double number) {
  if (known)
    array_add_number(array, number, 0);
  else
    array_add(array, NULL);
}

void store_row(harvest* h, row r) {
  batch* b = h->open;
  if (b == NULL) {
    h->open = b = must(calloc(1, sizeof *b));
    b->run = h;
    b->pages = must(calloc(h->batch_size, sizeof *b->pages));
  }
  char* url = clean_text(r.of->url, strlen(r.of->url), SIZE_MAX, 0);
  b->pages[b->count++] = r.of;
  array_add_number(&b->columns[0], (double)r.of->n, 0);
  array_add(&b->columns[1], url);
  add_number_or_null(&b->columns[2], r.status != 0, r.status);
  array_add(&b->columns[3], r.content_type);
  add_number_or_null(&b->columns[4], r.status != 0, (double)r.of->body_size);
  array_add_number(&b->columns[5], (double)(r.of->ended - r.of->started) / 1e6, 3);
  array_add(&b->columns[6], r.title);
  array_add(&b->columns[7], r.error);
  free(url);
  free(r.content_type);
  free(r.title);
  free(r.error);
  if (b->count == h->batch_size) store_flush(h);
}
