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

/* Where `word` (in lower case) starts, in any case; NULL if it is not there. */
const char* find_word(const char* from, const char* end, const char* word);
/* Adds text of markup as UTF-8, its character references decoded: all numbers, and a few names. */
void text_add_markup(text* t, const char* from, const char* to, int latin1);

/* One more element of a PostgreSQL array in text form; NULL: SQL NULL. array_end closes it. */
void array_add(text* array, const char* element);
void array_add_number(text* array, double number, int decimals);
void array_end(text* array);

/* "schema.table" as a quoted SQL name. */
char* quoted_name(const char* name);

/* ---- harvest_table.c: a hash table ---- */
typedef struct table {
  struct entry* entries;
  size_t count, capacity;
} table;

/* What belongs to `key`; NULL: nothing. */
void* table_find(const table* t, const char* key);
/* Something that belongs to a key that has nothing yet, and that lives on. */
void table_put(table* t, const char* key, void* value);
/* What belongs to the next key, from *at (0) on; NULL: there is none. */
void* table_next(const table* t, size_t* at);
void table_clear(table* t);

/* ---- harvest_html.c: tags of HTML ---- */
typedef struct tag {
  const char *name, *attributes, *end; /* "<", a name, attributes, ">" */
  const char *text, *text_end; /* of those that have no markup in them: script, title, ... */
} tag;

/* The next start tag, from *at on, which moves behind it; 0: there is none. */
int html_next_tag(const char** at, const char* end, tag* t);
int tag_is(const tag* t, const char* name);
/* What an attribute says, as UTF-8; NULL: it is not there. */
char* tag_attribute(const tag* t, const char* name, int latin1);

int is_html(const char* content_type);
int is_latin1(const char* content_type);
/* The <title> of an HTML page, cleaned; NULL if it has none. */
char* html_title(const char* body, size_t size, const char* content_type);

/* ---- harvest_links.c ---- */
/* The URL becomes the function's. */
typedef void (*link_fn)(void* user, char* url);

/* What `reference` means on the page at `base`; NULL: nothing. */
char* joined_url(const char* base, const char* reference);
/* Each link of an HTML page that may be followed, fragments and all. */
void html_links(const char* body, size_t size, int latin1, const char* url, link_fn each,
                void* user);
/* Each URL of a sitemap, if it is one: of pages, or of other sitemaps. */
void sitemap_links(const char* body, size_t size, link_fn page, link_fn sitemap, void* user);

/* ---- harvest_robots.c: RFC 9309 ---- */
typedef struct robots robots;

robots* robots_read(const char* body, size_t size, const char* agent);
/* target: path and query. */
int robots_allow(const robots* r, const char* target);
int64_t robots_delay(const robots* r);        /* nanoseconds between two requests; 0: none */
const char* robots_sitemaps(const robots* r); /* URLs, a line each; or NULL */
void robots_free(robots* r);

/* ---- Everything about a run ---- */
typedef struct harvest harvest;

typedef struct page page;
struct page {
  harvest* run;
  char* url;
  size_t n;         /* in the run */
  char* key;        /* the URL as all write it; NULL: not known, or none of HTTP */
  const page* seed; /* by which it was found; itself: the user gave it */
  uint32_t depth;   /* links from there */
  creche_task task; /* the child of `fetching` whose turn it is */
  int64_t started, ended;
  creche_response response;
  const char* body; /* a view into response */
  size_t body_size;
  const char* refused;  /* why it was not fetched, or NULL */
  const char* sitemaps; /* of the robots.txt that was fetched for it */
  char* host;           /* whose rate is shared with other processes, or NULL */
  int stored;
};

typedef struct batch batch;

struct harvest {
  const char *dsn, *table, *ca_file, *proxy, *cookie_file;
  const char* tree; /* the socket on which the tree is offered, or NULL */
  uint32_t limit, batch_size, per_host, retries;
  double rate; /* fetches a second from one host; 0: no limit */
  int64_t timeout, deadline;
  uint64_t max_body;
  int follows;     /* links, as robots.txt allows, */
  uint32_t follow; /* so deep */
  size_t max_pages;

  page** pages;
  size_t count;
  table seen;    /* pages by their key */
  table origins; /* the loop's thread's */

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
  creche_request_options request, robots_request;
  creche_task_options request_task;

  struct {
    const char* name; /* of its table; NULL: there is none */
    int64_t lease;    /* so long a process may be silent */
    char *quoted, *quoted_hosts;
    char holder[32];
    int64_t said;    /* when it was last said that this process lives */
    int64_t look_at; /* not before, whether others have left something */
    size_t held;     /* pages that are not fetched yet */
    int over;        /* nothing is left, */
    int lost;        /* or what this process has may be another's */
  } queue;

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

/* ---- harvest_arguments.c ---- */
/* Ends the program if it is not told well. */
void read_arguments(harvest* h, int argc, char** argv);

/* ---- harvest.c ---- */
page* add_page(harvest* h, const char* url, size_t size);
void start_page(page* p);
void free_page(page* p);
/* On the loop's thread, in the page's task: */
void fetch_page(page* p);
void goes_on(page* p, creche_status started); /* ends it if its next step could not be started */

/* ---- harvest_origin.c: what origins allow (the loop's thread) ---- */
/* Has the page fetched when its origin's robots.txt is known, allows it, and it is its turn. */
void ask_origin(page* p);
void forget_origins(harvest* h);

/* ---- harvest_follow.c: what comes after a page ---- */
/* Of the first pages, only one of those that are the same. */
void keep_unlike(harvest* h);
/* Starts the pages that it leads to: before its completion is released, so that the group is open.
 */
void follow(page* p, uint32_t status, const char* content_type);
void follow_sitemaps(page* p);

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

/* ---- harvest_queue.c: URLs that are shared with other processes ---- */
/* Makes the tables, puts the URLs in, and has what is stored marked there (the holder is one
 * argument more); 0, or -1 after saying why not. */
int queue_open(harvest* h);
/* Takes pages while there is room for them; closes `fetching` when nothing is left. */
void queue_fill(harvest* h);
/* Says that this process lives, if it is time. */
void queue_keep(harvest* h);
/* What was not fetched is for others. */
void queue_give_back(harvest* h);
/* On the loop's thread, in the page's task: has it fetched when it is its host's turn. */
void queue_wait_for_turn(page* p);

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
