/* What makes one crossing of several: each start reports its failure in the same call, because
 * creche_last_error() belongs to a thread and a goroutine to none.
 *
 * Options come one way: as the header's own struct, by value, made of its defaults (see options.go)
 * and without pointers. What these point to comes beside it, for the time of the call, and is put in
 * here: so nothing of Go's memory needs pinning, and nothing is allocated. Header fields are packed
 * one after the other: the value's size (4 bytes), the name with its NUL, the value. */
#ifndef CX_SHIM_H
#define CX_SHIM_H

#include <creche/creche.h>
#include <stdlib.h>

/* The answer of every call that may fail. error: kept, for creche_error_release; NULL on success. */
typedef struct cx_answer {
  int32_t status;
  uint32_t reserved;
  uint64_t id;
  const creche_error *error;
} cx_answer;

/* Where an operation runs and where its completion goes. */
typedef struct cx_tail {
  uint64_t in;
  uint64_t queue;
  uint64_t user;
} cx_tail;

/* A field of a form: its file, of which there is none if the descriptor is negative. Its filename, its
 * type (both empty for none), its name and value lie behind the parameters, packed as headers are. */
typedef struct cx_part {
  creche_file file;
} cx_part;

/* What else a request has, without pointers. retry: none if its size is 0; its statuses go beside it.
 * file: the body, unless its descriptor is negative. */
typedef struct cx_body {
  creche_retry retry;
  creche_file file;
  creche_file to_file; /* where the answer's goes, unless its descriptor is negative */
  uint64_t watch;      /* the number of who is told of it; 0: nobody */
} cx_body;

/* A parameter of a statement; its bytes lie in the text of the statement. */
typedef struct cx_value {
  uint32_t type;
  uint32_t form;
  int64_t integer;
  double real;
  uint64_t offset;
  uint64_t size;
} cx_value;

enum { CX_POOL_QUERY = 0, CX_POOL_STREAM = 1, CX_CONNECTION_QUERY = 2, CX_CONNECTION_STREAM = 3, CX_SCRIPT = 4 };
enum { CX_POOL_COPY_IN = 0, CX_POOL_COPY_OUT = 1, CX_CONNECTION_COPY_IN = 2, CX_CONNECTION_COPY_OUT = 3,
       CX_POOL_ROWS = 4, CX_CONNECTION_ROWS = 5, CX_POOL_COPY_ROWS = 6, CX_CONNECTION_COPY_ROWS = 7 };
enum { CX_CURSOR_OPEN = 0, CX_CURSOR_FETCH = 1, CX_CURSOR_MOVE = 2, CX_CURSOR_CLOSE = 3 };
enum { CX_BEGIN = 0, CX_COMMIT = 1, CX_ROLLBACK = 2 };

/* A statement of a batch. */
typedef struct cx_item {
  uint64_t offset;
  uint64_t args_count;
} cx_item;

/* Loop and queue. */
/* kinds: a bit for each CRECHE_EVENT_* that the hook is told of; 0: it has none. */
cx_answer cx_loop_open(creche_loop_options o, const char *name, uint32_t kinds, uint64_t hook, uint32_t level,
                       uint64_t log);
cx_answer cx_loop_close(uint64_t loop, int64_t grace);
cx_answer cx_loop_join(uint64_t loop, int64_t timeout);
cx_answer cx_queue_open(uint64_t loop);
cx_answer cx_queue_close(uint64_t queue);
/* Releases the `used` completions of the batch before, then takes up to `capacity` new ones: their
 * number, or a negative status. */
int64_t cx_take(uint64_t queue, creche_completion *batch, size_t used, size_t capacity);
/* The same, but waits for the first one. */
int64_t cx_wait(uint64_t queue, creche_completion *batch, size_t used, size_t capacity);

/* Scopes, groups, tasks. */
cx_answer cx_scope_cancel(uint64_t scope, const char *reason);
cx_answer cx_group_open(cx_tail tail, creche_group_options o, const char *name);
cx_answer cx_task_open(cx_tail tail, creche_task_options o, const char *name);
cx_answer cx_task_finish(uint64_t task, int32_t status, const char *message, uint64_t cookie);
cx_answer cx_task_answer(uint64_t task, int32_t status, const void *data, size_t size, uint32_t flags,
                         const char *message);
cx_answer cx_sleep(cx_tail tail, int64_t duration);
cx_answer cx_yield(cx_tail tail);
/* Starts an external task, the child, that moves to the group when it says so. tail is of the start;
 * completions of the child are for child_user. */
cx_answer cx_task_start(cx_tail tail, uint64_t group, creche_task_options child, const char *name,
                        uint64_t child_user);
cx_answer cx_task_started(uint64_t task);
cx_answer cx_scope_set_timeout(uint64_t scope, int64_t timeout);
cx_answer cx_scope_set_shield(uint64_t scope, uint32_t shield);

/* texts: ca_file, ca_folder, cert_file, key_file, key_password, ciphers, ciphersuites, server_name,
 * crl_file, key_log_file (each with its NUL; empty: NULL), then o.pins_count pins. */
cx_answer cx_tls_open(creche_tls_options o, const char *texts, const void *ca, const void *cert,
                      const void *key);

/* HTTP. user_agent: NULL is the default. retry: none if its size is 0. headers: packed,
 * o.headers_count of them, then o.proxy_headers_count. route: proxy, no_proxy, unix_path,
 * local_address, redirect_hosts, the sockets' interface, private_headers and those of auth (below), each with its NUL; empty:
 * not given; then o.hosts_count pairs. sockets: none if its size is 0. opened: the number of a function. */
cx_answer cx_session_open(uint64_t loop, creche_session_options o, const char *user_agent,
                          const char *ca_file, const char *base_url, creche_retry retry,
                          const uint16_t *statuses, const char *headers, const char *route, uint64_t watch,
                          uint64_t middleware, creche_socket_options sockets, uint64_t opened);
/* headers: packed, d.headers_count of them. */
cx_answer cx_decide(uint64_t session, uint64_t turn, creche_decision d, const char *headers, const void *body);
/* token: NULL is none. */
cx_answer cx_give_token(uint64_t session, uint64_t ask, int32_t status, const char *token);
/* text: the base and the reference, each with its NUL. The answer's id: the size of what is joined. */
cx_answer cx_url_join(const char *text, char *joined, size_t capacity);
/* text: the URL and the method (empty: the default), each with its NUL, then packed headers, then
 * parameters, packed as these are, then three for each field of the form. form: NULL is none. way:
 * NULL, or proxy, unix_path and those of auth, each with its NUL. Of auth: the schemes as a number, the
 * user, and the password or token; no schemes: none; in place of a bearer's user the number of its source. */
cx_answer cx_http(uint64_t session, cx_tail tail, int32_t whole, creche_request_options o,
                  cx_body body, const uint16_t *statuses, const cx_part *form, const char *text,
                  const char *way, const void *bytes);
cx_answer cx_warm_up(uint64_t session, cx_tail tail, uint32_t count, creche_request_options o,
                     cx_body body, const uint16_t *statuses, const cx_part *form, const char *text,
                     const char *way, const void *bytes);
/* last_id: may be NULL. */
cx_answer cx_events(uint64_t session, cx_tail tail, creche_request_options o, cx_body body,
                    const uint16_t *statuses, const cx_part *form, creche_events_options e,
                    const char *text, const char *way, const char *last_id, const void *bytes);
/* WebSockets. protocols: w.protocols_count names, each with its NUL. */
cx_answer cx_websocket(uint64_t session, cx_tail tail, creche_request_options o, cx_body body,
                       const uint16_t *statuses, const cx_part *form, creche_websocket_options w,
                       const char *text, const char *way, const char *protocols, const void *bytes);
cx_answer cx_websocket_send(uint64_t websocket, cx_tail tail, uint32_t kind, const void *data, size_t size);
cx_answer cx_websocket_receive(uint64_t websocket, cx_tail tail);
/* reason: may be NULL. */
cx_answer cx_websocket_close(uint64_t websocket, cx_tail tail, uint32_t code, const char *reason);
/* Jars of cookies. text: a URL and a Set-Cookie, each with its NUL; NULL in `domain`: all. */
cx_answer cx_jar_open(void);
cx_answer cx_jar_receive(uint64_t jar, const char *text);
cx_answer cx_jar_clear(uint64_t jar, const char *domain);
/* The answer's id: the size of the whole text. form: 0: what is sent to the URL `url`. */
cx_answer cx_jar_text(uint64_t jar, uint32_t form, const char *url, char *text, size_t capacity);
cx_answer cx_jar_import(uint64_t jar, uint32_t form, const char *text, size_t size);
/* save: else it is loaded. */
cx_answer cx_jar_file(uint64_t jar, uint32_t form, const char *path, int32_t save);
cx_answer cx_read(uint64_t response, cx_tail tail, size_t capacity);
/* Packs the headers of a response into buffer, and before them the URL as a header without a name: the bytes that all of it needs, or a negative status. Releases the response if
 * it fitted and `release` says so. */
int64_t cx_response_head(uint64_t response, char *buffer, size_t capacity, int32_t release);
/* The same of what came behind the body, and of what is known of how it came. */
int64_t cx_response_trailer(uint64_t response, char *buffer, size_t capacity);
int64_t cx_response_info(uint64_t response, creche_response_info *info, char *buffer, size_t capacity);

/* PostgreSQL. */
cx_answer cx_pool_open(uint64_t loop, creche_pool_options o, const char *dsn,
                       const char *application_name, const char *init, const char *setup,
                       uint64_t functions, uint32_t which);
/* Which functions there are. */
enum { CX_POOL_PASSWORD = 1, CX_POOL_NOTICE = 2, CX_POOL_INIT = 4, CX_POOL_SETUP = 8, CX_POOL_RESET = 16 };
/* Of the functions with that number: theirs, in Go. */
int32_t cxGivePassword(uint64_t functions, creche_password_request *request, char *password, size_t capacity);
void cxHearNotice(uint64_t functions, creche_error *notice);
void cxPoolBody(uint64_t functions, int32_t which, creche_completion *c);
/* A block as text (csv: else JSON), which is free()d by who asks; the answer's id: its size. */
cx_answer cx_rows_text(const creche_row_block *rows, int32_t csv, uint32_t flags, char delimiter, char **text);
/* Rows of values as creche_pool_execute_rows and creche_pool_copy_rows take them; as above. */
cx_answer cx_rows_bytes(const char *bytes, const cx_value *args, size_t width, size_t rows, char **text);
cx_answer cx_pool_resize(uint64_t pool, uint32_t min_size, uint32_t max_size);
cx_answer cx_metrics(const creche_loop *loops, size_t count, char *buffer, size_t capacity, size_t *size);
cx_answer cx_session_set_name(uint64_t session, const char *name);
cx_answer cx_pool_set_name(uint64_t pool, const char *name);
cx_answer cx_set_threads(uint64_t stack_size, const char *prefix, uint32_t workers);
cx_answer cx_pool_expire(uint64_t pool);
cx_answer cx_connection_expire(uint64_t connection);
/* names: of the args, each with its NUL; NULL: none. */
cx_answer cx_query_start(int32_t what, uint64_t handle, cx_tail tail, creche_query_options o,
                         const char *text, const cx_value *args, size_t args_count, const char *names);
cx_answer cx_copy_start(int32_t what, uint64_t id, cx_tail tail, const char *sql);
cx_answer cx_listen_start(uint64_t pool, cx_tail tail, char **channels, size_t n);
cx_answer cx_many_start(int32_t what, uint64_t handle, cx_tail tail, creche_query_options o, const char *text, const cx_value *args,
                        size_t width, size_t rows);
/* items: n statements, each with the offset of its text and the number of its parameters. */
cx_answer cx_batch_start(int32_t what, uint64_t handle, cx_tail tail, creche_batch_options o, const char *text,
                         const cx_value *args, size_t args_count, const cx_item *items, size_t n);
cx_answer cx_describe_start(int32_t what, uint64_t handle, cx_tail tail, const char *sql);
/* rows: of a fetch or a move. text: the statement of an opening. */
cx_answer cx_cursor_start(int32_t step, uint64_t connection, cx_tail tail, creche_cursor_options o, const char *name,
                          int64_t rows, const char *text, const cx_value *args, size_t n);
cx_answer cx_acquire(uint64_t pool, cx_tail tail);
cx_answer cx_transaction(int32_t step, uint64_t connection, cx_tail tail, creche_transaction_options o);

/* Limiters, rate limiters, events, channels. */
cx_answer cx_limiter_open(uint64_t loop, creche_limiter_options o, const char *name);
cx_answer cx_limiter_acquire(uint64_t limiter, cx_tail tail, uint64_t borrower);
cx_answer cx_limiter_try(uint64_t limiter, uint64_t in, uint64_t borrower);
cx_answer cx_limiter_set_total(uint64_t limiter, uint32_t total);
cx_answer cx_limiter_state(uint64_t limiter, creche_limiter_state *state);
cx_answer cx_token_move(uint64_t token, uint64_t to);
cx_answer cx_rate_open(uint64_t loop, creche_rate_options o, const char *name);
cx_answer cx_rate_acquire(uint64_t rate, cx_tail tail, uint32_t permits);
cx_answer cx_rate_try(uint64_t rate, uint32_t permits);
cx_answer cx_rate_pause(uint64_t rate, int64_t until);
cx_answer cx_rate_resume(uint64_t rate);
cx_answer cx_rate_state(uint64_t rate, creche_rate_state *state);
cx_answer cx_event_open(uint64_t loop, creche_event_options o, const char *name);
cx_answer cx_event_wait(uint64_t event, cx_tail tail);
cx_answer cx_event_set(uint64_t event);
/* The answer is the sender; *receiver the other side. */
cx_answer cx_channel_open(uint64_t loop, creche_channel_options o, const char *name, uint64_t *receiver);
cx_answer cx_channel_send(uint64_t sender, cx_tail tail, uint64_t item);
cx_answer cx_channel_try_send(uint64_t sender, uint64_t item);
cx_answer cx_channel_receive(uint64_t receiver, cx_tail tail);
cx_answer cx_channel_try_receive(uint64_t receiver);
cx_answer cx_channel_put_back(uint64_t receiver, uint64_t item);
cx_answer cx_channel_clone(uint64_t end, int32_t sends);
cx_answer cx_channel_state(uint64_t end, int32_t sends, creche_channel_state *state);

/* For the tests: what a blocking call answers on the loop's thread; whether NULL is refused where
 * something is needed. */
int32_t cx_probe_blocking(uint64_t loop, uint64_t queue);
int32_t cx_probe_null(uint64_t loop);

#endif
