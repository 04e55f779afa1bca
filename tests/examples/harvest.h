/* harvest: what its parts share. See harvest.c. */
#ifndef HARVEST_H
#define HARVEST_H

#include <creche/creche.h>

/* ---- harvest_text.c: bytes of the network made into text ---- */
typedef struct text {
  char* data; /* NUL-terminated once anything was added */
  size_t size, capacity;
} text;

/* Says what went wrong and ends the program: for what a program cannot do anything about. */
void die(const char* what);
void* must(void* memory); /* dies of NULL */

void text_add(text* t, const char* bytes, size_t size);
void text_clear(text* t);

/* A new string: valid UTF-8 without control characters, runs of white space as one space, cut at
 * `longest` bytes. latin1: what the bytes are instead of UTF-8. */
char* clean_text(const char* bytes, size_t size, size_t longest, int latin1);

/* The <title> of an HTML page, cleaned, its character references decoded; NULL if it has none. */
char* html_title(const char* body, size_t size, const char* content_type);

/* One more element of a PostgreSQL array in text form; NULL: SQL NULL. array_end closes it. */
void array_add(text* array, const char* element);
void array_add_number(text* array, double number, int decimals);
void array_end(text* array);

/* "schema.table" as a quoted SQL name. */
char* quoted_name(const char* name);

/* ---- Everything about a run ---- */
typedef struct harvest harvest;

typedef struct page {
  harvest* run;
  char* url;
  creche_task task; /* the child of `fetching` whose turn it is */
  int64_t started, ended;
  creche_response response;
  const char* body; /* a view into response */
  size_t body_size;
  int stored;
} page;

typedef struct batch batch;

struct harvest {
  const char *dsn, *table, *ca_file, *proxy, *cookie_file;
  const char* tree; /* the socket on which the tree is offered, or NULL */
  uint32_t limit, batch_size, per_host, retries;
  double rate; /* fetches a second from one host; 0: no limit */
  int64_t timeout, deadline;
  uint64_t max_body;

  page* pages;
  size_t count;

  creche_loop loop;
  creche_queue fetched;    /* completions of pages */
  creche_queue answered;   /* completions of the database */
  creche_group everything; /* has the deadline; Ctrl-C cancels it */
  creche_group fetching;   /* the pages, `limit` at a time */
  creche_group storing;    /* shielded from all of that: what was fetched is stored */
  creche_session web;
  creche_retry retry;
  creche_cookie_jar cookies;
  creche_pool pool;
  creche_request_options request;
  creche_task_options request_task;

  int64_t started; /* on the loop's clock */
  int64_t run_id;  /* microseconds since 1970: names this run in the table */
  char* quoted_table;
  char* insert;
  batch* open;         /* being filled */
  uint32_t committing; /* batches on their way */
  char* store_error;   /* why something was not stored, or NULL */

  size_t ok, failed, cancelled, stored;
  uint64_t bytes;
};

int64_t now(const harvest* h); /* the loop's clock */
double seconds_since(const harvest* h, int64_t then);

/* ---- harvest_store.c ---- */
/* What there is to store of a page. The texts become the batch's. */
typedef struct row {
  page* of;
  uint32_t status; /* 0: no answer */
  char *content_type, *title, *error;
} row;

/* Makes the table if it is not there; 0, or -1 after saying why not. */
int store_open(harvest* h);
/* Adds a row to the open batch and sends that on its way when it is full. Waits while too many are
 * on their way: while it waits, what was fetched is not released, and so no more is fetched. */
void store_row(harvest* h, row r);
/* Sends the open batch on its way, full or not. */
void store_flush(harvest* h);
/* Hears what became of batches; waits up to `timeout` for the first. */
void store_collect(harvest* h, int64_t timeout);

/* ---- harvest_polite.c: how hosts are treated ---- */
/* Puts it into the session's options; what these point to is the run's. */
void be_polite(harvest* h, creche_session_options* web);
/* Writes the cookies down, if they are to be kept. */
void keep_cookies(harvest* h);

/* ---- harvest_tree.c ---- */
/* Offers the tree to who connects, if it is to be shown; and no more, before the loop is joined. */
void show_tree(harvest* h);
void hide_tree(harvest* h);

/* ---- harvest_report.c ---- */
void show_progress(harvest* h, int last);
void show_not_stored(const harvest* h);
void show_report(harvest* h);

#endif
