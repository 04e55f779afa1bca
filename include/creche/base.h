/* creche/base.h: what every other header builds on: statuses, handles, the completion, errors.
 *
 * Thread tags: a function may be called from any thread, callbacks included, unless its text says
 * [not on a loop]. Every function returns at once unless its text says that it blocks.
 * "Since" is the version of the library that has the function first. */
#ifndef CRECHE_BASE_H
#define CRECHE_BASE_H

#include <stddef.h>
#include <stdint.h>

#if UINTPTR_MAX != 0xffffffffffffffffu
#error "libcreche supports 64-bit platforms (LP64) only"
#endif

#ifndef CRECHE_API
#if defined(__GNUC__) && !defined(CRECHE_NO_INLINE)
#define CRECHE_API __attribute__((visibility("default")))
#else
#define CRECHE_API
#endif
#endif

/* The small functions whose bodies stand in the headers (creche_text, creche_int4, ...) are exported
 * by the library, too. With CRECHE_NO_INLINE defined the headers only declare them, and hold no body
 * and no attribute: after the preprocessor, by -std=c99, they are what cffi and LuaJIT read. */
#ifndef CRECHE_INLINE
#if defined(CRECHE_NO_INLINE)
#define CRECHE_INLINE CRECHE_API
#else
#define CRECHE_INLINE static inline
#endif
#endif

/* Who does not look at what a function with this mark returns, loses something without a word: of what
 * starts work (if it failed no completion will come, ever), of what waits (a fetch, a query, a commit, a
 * join: what it returns is the answer), of what hands something over (a post, an item, an answer), and
 * of what tries. Compilers warn. Not marked is what opens (a null handle says so at the next call), what
 * sets or reads (it is no worse than before), what closes, cancels or finishes (it fails by misuse, or
 * because it was done already). To lose it knowingly: creche_status lost = creche_...; (void)lost; or
 * define CRECHE_MUST_CHECK as nothing before the first header. */
#ifndef CRECHE_MUST_CHECK
#if defined(__GNUC__) && !defined(CRECHE_NO_INLINE)
#define CRECHE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define CRECHE_MUST_CHECK
#endif
#endif

#define CRECHE_VERSION_MAJOR 0
#define CRECHE_VERSION_MINOR 1
#define CRECHE_VERSION_PATCH 0
/* major * 1000000 + minor * 1000 + patch */
#define CRECHE_VERSION_NUMBER 1000

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Statuses ---------------------------------------------------------------------------------
 * Numbers are fixed for ever and the same on every platform; new ones are appended. A user's own
 * statuses (creche_task_finish) are CRECHE_E_USER or anything from -1000 down. */
typedef int32_t creche_status;
enum {
    CRECHE_OK = 0,
    /* Misuse, or the state of an object. These are what a call may return. */
    CRECHE_E_INVALID = -1,        /* an argument: NULL where not allowed, out of range, contradictory */
    CRECHE_E_BAD_HANDLE = -2,     /* never was a handle of this kind: null, forged or of another kind */
    CRECHE_E_ENDED = -3,          /* was good; what it named has ended or was released */
    CRECHE_E_CLOSED = -4,         /* exists, but takes no more work */
    CRECHE_E_WRONG_LOOP = -5,     /* the objects belong to different loops */
    CRECHE_E_WOULD_DEADLOCK = -6, /* a blocking call inside a callback or a loop's run */
    CRECHE_E_INTERRUPTED = -7,    /* a signal arrived while waiting; call again */
    CRECHE_E_FORKED = -8,         /* the object was made before fork(), in the parent process */
    CRECHE_E_UNSUPPORTED = -9,    /* an option that this version does not know, or is not built with */
    CRECHE_E_STATE = -10,         /* not now: finished twice, opened twice, out of order */
    CRECHE_E_BUSY = -11,          /* live work is in the way; nothing was changed */
    CRECHE_E_NO_MEMORY = -12,
    CRECHE_E_LIMIT = -13,    /* a limit of the options was exceeded (body size, waiters, ...) */
    CRECHE_E_INTERNAL = -14, /* a bug of the library: please report it */
    CRECHE_E_SYSTEM = -15,   /* the operating system refused; system_errno says why */
    /* Structured concurrency: how work ended. */
    CRECHE_E_CANCELLED = -20,     /* stopped by a scope; error->reason says which and why */
    CRECHE_E_TIMEOUT = -21,       /* a deadline of its own, or a phase timeout, ran out */
    CRECHE_E_GROUP = -22,         /* children failed; error->children is the tree of failures */
    CRECHE_E_MISNESTED = -23,     /* a task finished with groups or scopes of its own still open */
    CRECHE_E_NOT_CANCELLED = -24, /* a task claimed CRECHE_E_CANCELLED though nobody cancelled it */
    CRECHE_E_USER = -25,          /* a failure that the user's own code reported */
    CRECHE_E_NOT_STARTED = -26,   /* a task finished without the creche_task_started it owed */
    /* The network and HTTP. */
    CRECHE_E_URL = -40,          /* not a URL that can be fetched */
    CRECHE_E_DNS = -41,          /* the name could not be resolved */
    CRECHE_E_CONNECT = -42,      /* no address accepted a connection */
    CRECHE_E_TLS = -43,          /* the handshake or a record failed */
    CRECHE_E_TLS_VERIFY = -44,   /* the certificate is not trusted, or names another host */
    CRECHE_E_DISCONNECTED = -45, /* the peer closed or reset the connection before an answer */
    CRECHE_E_PROTOCOL = -46,     /* the peer sent something that is not allowed */
    CRECHE_E_TRUNCATED = -47,    /* the connection ended inside a body */
    CRECHE_E_CODING = -48,       /* the body does not decode (gzip, deflate, br, zstd) */
    CRECHE_E_BODY = -49,         /* the request's body could not be produced or sent again */
    CRECHE_E_REDIRECT = -50,     /* too many redirects, or one to a place that cannot be fetched */
    CRECHE_E_HTTP_STATUS = -51,  /* a status of 400 or above, where that was to be a failure */
    CRECHE_E_PROXY = -55,        /* a proxy refused to make the connection; http_status, if it said one */
    /* PostgreSQL. */
    CRECHE_E_PG = -60,              /* the server answered with an error; error->sqlstate has its code */
    CRECHE_E_OUTCOME_UNKNOWN = -61, /* a COMMIT was sent and its answer never came */
    CRECHE_E_ROLLED_BACK = -62,     /* a COMMIT was answered by ROLLBACK */
    CRECHE_E_TYPE = -63,            /* a value or a column does not have that type */
    CRECHE_E_NULL = -64             /* the value is SQL NULL */
};

/* ---- Time --------------------------------------------------------------------------------------
 * All times are int64_t nanoseconds; points in time are on the loop's clock (creche_now). */
#define CRECHE_NEVER INT64_MAX
#define CRECHE_NANOSECOND INT64_C(1)
#define CRECHE_MICROSECOND INT64_C(1000)
#define CRECHE_MILLISECOND INT64_C(1000000)
#define CRECHE_SECOND INT64_C(1000000000)

/* ---- Handles -----------------------------------------------------------------------------------
 * 64-bit ids, free to copy, compare and send to other threads; other languages may declare each as
 * uint64_t. {0} is the null handle. What is a scope holds one as its only member, so `group.scope`
 * is the upcast. Scopes, groups, tasks and loops are names: they end by themselves and are never
 * released. All others are owned: release them once (again, or {0}, is harmless). "The handle errors" of
 * a function are CRECHE_E_BAD_HANDLE, CRECHE_E_ENDED and CRECHE_E_FORKED. */
typedef struct creche_scope { uint64_t id; } creche_scope;
typedef struct creche_loop { creche_scope scope; } creche_loop;
typedef struct creche_group { creche_scope scope; } creche_group;
typedef struct creche_task { creche_scope scope; } creche_task;
typedef struct creche_queue { uint64_t id; } creche_queue;
typedef struct creche_session { uint64_t id; } creche_session;
typedef struct creche_response { uint64_t id; } creche_response;
typedef struct creche_pool { uint64_t id; } creche_pool;
typedef struct creche_connection { uint64_t id; } creche_connection;
typedef struct creche_rows { uint64_t id; } creche_rows;
typedef struct creche_limiter { uint64_t id; } creche_limiter;
typedef struct creche_token { uint64_t id; } creche_token;
typedef struct creche_rate { uint64_t id; } creche_rate;
typedef struct creche_event { uint64_t id; } creche_event;
typedef struct creche_sender { uint64_t id; } creche_sender;
typedef struct creche_receiver { uint64_t id; } creche_receiver;
typedef struct creche_tls { uint64_t id; } creche_tls;
typedef struct creche_websocket { uint64_t id; } creche_websocket;

/* ---- Contexts ----------------------------------------------------------------------------------
 * A pointer of yours that travels down the tree with your tasks, as context variables do in other
 * languages (a trace id, a locale). Given to a loop or a task; a task without one of its own has a
 * copy of that of the task that started it (inside a callback: the task whose callback runs; else
 * the nearest around), taken when it was started. */
typedef struct creche_context {
    void *data;
    void *(*clone)(void *data); /* makes the copy, in the starting call; NULL result: no memory.
                                   clone NULL: all share `data` */
    void (*drop)(void *data); /* called once for each copy when no task has it any more, on any
                                 thread; may be NULL */
} creche_context;

/* ---- Errors ------------------------------------------------------------------------------------ */
/* Where an operation was when it failed. */
enum {
    CRECHE_PHASE_NONE = 0,
    CRECHE_PHASE_LIMIT = 1, /* waiting for a group's limit, or for a limiter */
    CRECHE_PHASE_POOL = 2,  /* waiting for a connection of a session or pool (acquire) */
    CRECHE_PHASE_DNS = 3,
    CRECHE_PHASE_CONNECT = 4,
    CRECHE_PHASE_TLS = 5,
    CRECHE_PHASE_SEND = 6,
    CRECHE_PHASE_HEADERS = 7, /* waiting for, or reading, the head of the answer */
    CRECHE_PHASE_BODY = 8,
    CRECHE_PHASE_AUTH = 9, /* PostgreSQL: start-up and authentication */
    CRECHE_PHASE_QUERY = 10,
    CRECHE_PHASE_COMMIT = 11,
    CRECHE_PHASE_ROLLBACK = 12,
    CRECHE_PHASE_RESET = 13,
    CRECHE_PHASE_TASK = 14, /* the user's own code */
    CRECHE_PHASE_CLOSE = 15,
    CRECHE_PHASE_OPTIONS = 16, /* reading what the user asked for: URL, DSN, files */
    CRECHE_PHASE_PROXY = 17    /* asking a proxy for a connection to the server */
};

/* Why a scope was cancelled. The first reason sticks. */
enum {
    CRECHE_REASON_NONE = 0,
    CRECHE_REASON_DEADLINE = 1,
    CRECHE_REASON_EXPLICIT = 2,  /* creche_scope_cancel; reason_text is its text */
    CRECHE_REASON_SIBLING = 3,   /* a sibling failed in a fail-fast group; by names it */
    CRECHE_REASON_RACE = 4,      /* a sibling won; by names it */
    CRECHE_REASON_SHUTDOWN = 5,  /* the loop is closing, or the pool of a transaction's body */
    CRECHE_REASON_INTERRUPT = 6, /* creche_scope_interrupt */
    CRECHE_REASON_FINISHED = 7,  /* its task finished with a failure while this step was running */
    CRECHE_REASON_MISNESTED = 8  /* its task finished and left this group or scope open */
};

/* creche_error.flags */
enum {
    CRECHE_ERROR_RETRYABLE = 1, /* the same call may well succeed later, and doing it again is safe */
    CRECHE_ERROR_UNSENT = 2     /* nothing of the request or statement reached the server */
};

/* What went wrong. Made by the library only, so it may grow at its end: read a field only if
 * `size` covers it (all fields of the header you compiled with are covered by a library that is at
 * least as new). Never NULL: message. Other pointers may be NULL. Lives as long as what it came
 * with (the completion); creche_error_keep makes it yours. Immutable, so free to read anywhere. */
typedef struct creche_error {
    uint32_t size;
    uint32_t flags; /* CRECHE_ERROR_* */
    creche_status status;
    uint32_t phase;        /* CRECHE_PHASE_* */
    uint32_t reason;       /* CRECHE_REASON_* of a cancellation */
    int32_t system_errno;  /* errno of the failed system call, or 0; for CRECHE_E_DNS the EAI_* code */
    int32_t tls_verify;    /* X509_V_ERR_* of a certificate that failed, or 0 */
    uint32_t http_status;  /* of an answer that is the failure, or 0 */
    char sqlstate[8];      /* five characters and NULs, or empty */
    const char *message;   /* what happened and what to do, one line, UTF-8 */
    const char *reason_text; /* text given with the cancellation */
    creche_scope by;       /* who cancelled: the scope whose deadline it was, the sibling that failed */
    void *cookie;          /* the user's own (a foreign exception), from creche_error_new */
    const struct creche_error *cause;
    const struct creche_error *const *children; /* CRECHE_E_GROUP: failures in order of completion */
    size_t children_count;
    size_t children_dropped; /* failures over the group's max_errors: counted, not kept */
    /* The fields of a PostgreSQL server's message. */
    const char *server_severity;
    const char *server_message;
    const char *server_detail;
    const char *server_hint;
    const char *server_context;
    const char *server_schema;
    const char *server_table;
    const char *server_column;
    const char *server_datatype;
    const char *server_constraint;
    const char *server_routine;
    int32_t server_position; /* 1-based character in the statement, or 0 */
    uint32_t http_attempts; /* of an HTTP request: how often its retry policy let it be made, the first
                               time counted; 0 for all else */
    const char *http_body; /* CRECHE_E_HTTP_STATUS: the start of the answer's body, decoded, up to 4096
                              bytes, and a NUL; NULL for all else */
    size_t http_body_size;
} creche_error;

/* The plain copy of the last synchronous failure of this thread. Never NULL; after a success it
 * still shows the failure before. Valid until the next failing call of this thread; the message may
 * be truncated. After a call of creche/blocking.h that started something and failed it is all of that
 * failure, cause and children too. Release functions never touch it. Since 0.1. */
CRECHE_API const creche_error *creche_last_error(void);

/* "CRECHE_E_TIMEOUT" for CRECHE_E_TIMEOUT and so on, "a status of the user's" from -1000 down, "?" for
 * an unknown number. Static. Since 0.1. */
CRECHE_API const char *creche_status_name(creche_status status);

/* error->message, or "no error" for NULL. Lives as long as the error. Since 0.1. */
CRECHE_API const char *creche_error_message(const creche_error *error);

/* 1 if the same call may well succeed later and doing it again is safe: nothing of it has been done,
 * or the server has said that it rolled it back. 0 otherwise (also when nobody knows, as after the loss
 * of a connection in the middle of a statement, or without memory for its answer) or for NULL.
 * Since 0.1. */
CRECHE_API int32_t creche_error_is_retryable(const creche_error *error);

/* Makes an error yours: returns it (another one, with all it has, if it is creche_last_error()) for
 * creche_error_release. NULL gives NULL; no memory gives NULL. Since 0.1. */
CRECHE_API const creche_error *creche_error_keep(const creche_error *error);

/* Gives back what creche_error_keep or creche_error_new returned. NULL is harmless. Since 0.1. */
CRECHE_API void creche_error_release(const creche_error *error);

/* Makes an error for creche_task_finish, for bindings: `cookie` carries the foreign exception and
 * cookie_free(cookie), if not NULL, is called once when the last reference goes, on any thread; it
 * may call any function that is not tagged [not on a loop].
 * status: CRECHE_E_USER or -1000 and below. message: copied. cause: another error or NULL, kept.
 * Stores the error in *error (release it after use; finishing with it keeps it by itself).
 * Returns CRECHE_OK, CRECHE_E_INVALID or CRECHE_E_NO_MEMORY; on failure cookie stays yours and
 * *error is NULL. Since 0.1. */
CRECHE_API creche_status creche_error_new(creche_status status, const char *message, void *cookie,
                                          void (*cookie_free)(void *cookie), const creche_error *cause,
                                          const creche_error **error);

/* The failures at the leaves of a tree of group errors, in order of completion: stores up to
 * `capacity` of them in `leaves` (which may be NULL for capacity 0) and returns how many there are.
 * An error that is no group's is its own only leaf; NULL has none. They live as long as `error`.
 * Since 0.1. */
CRECHE_API size_t creche_error_flatten(const creche_error *error, const creche_error **leaves,
                                       size_t capacity);

/* ---- Completions -------------------------------------------------------------------------------- */
/* What a completion is about: the meaning of its other fields. */
enum {
    CRECHE_DONE = 0,   /* the end of a task, with its result */
    CRECHE_BEGIN = 1,  /* to the user: your task may run */
    CRECHE_CANCEL = 2, /* to the user: your task should hurry; finish it soon. error says why */
    CRECHE_PULL = 3,   /* to the user: more of the request's body, please; creche_task_answer.
                          value: about how many bytes fit at once */
    CRECHE_ASK = 4,    /* to the user: a password, please; creche_task_answer */
    CRECHE_CHUNK = 5,  /* bytes of a body: data, data_size */
    CRECHE_END = 6,    /* the end of a stream */
    CRECHE_ROWS = 7,   /* a block of rows; value: creche_rows, data: const creche_row_block * */
    CRECHE_POST = 8,   /* the call of a posted function */
    CRECHE_STALLED = 9, /* to the user: this task has not ended in its group's grace time */
    CRECHE_EVENT = 10,  /* an event of a server; data: const creche_server_event * */
    CRECHE_MESSAGE = 11, /* a message of a WebSocket: data, data_size */
    CRECHE_NOTIFY = 12 /* what somebody said by NOTIFY; value: a handle, data: const creche_notification * */
};

/* creche_completion.flags */
enum {
    CRECHE_MORE = 1,   /* not the last one of its task */
    CRECHE_OWNED = 2,  /* value is a handle, and yours to release */
    CRECHE_CAUGHT = 4, /* its scope was cancelled and absorbed it */
    CRECHE_PASSING = 8 /* a cancellation from further out passes through */
};

/* How one task ended, or one step of it. Never grows: it travels in arrays. */
typedef struct creche_completion {
    creche_status status;      /* CRECHE_OK or CRECHE_E_* */
    uint32_t kind;             /* CRECHE_DONE, ...: what the fields below mean */
    uint32_t flags;            /* CRECHE_MORE, ...; without CRECHE_MORE user and task are dead */
    uint32_t code;             /* HTTP status, ... */
    uint64_t value;            /* a handle's id, a count, ... */
    const void *data;          /* a view into value if that is owned; else until the callback
                                  returns or the drained completion is released */
    size_t data_size;          /* bytes */
    const creche_error *error; /* NULL on success, but CRECHE_CANCEL has one; lives as a view in
                                  data does */
    void *user;                /* from the call that started it */
    creche_task task;
    uint64_t hold; /* for creche_completions_release only */
    uint64_t reserved;
} creche_completion;

/* Every callback has this type. It runs on the loop's thread, one at a time, must return normally
 * (no exception, no longjmp) and soon; every function not tagged [not on a loop] is legal in it.
 *
 * A thread that ends inside it, or inside any other function that the library was given (a hook, an
 * offloaded function, what frees an argument), by pthread_exit as some runtimes end threads when
 * their process exits, is stopped there for the rest of the process: its loop does nothing any
 * more, nothing else is harmed. pthread_cancel acts on no thread while it is in the library: no
 * function is a cancellation point, the blocking ones included, and the library's own threads
 * cannot be cancelled. */
typedef void (*creche_done_fn)(void *user, const creche_completion *completion);

/* Routes: pass one of these as `done`. (Their addresses are compared; they do nothing when called.)
 * creche_to_group: keep the completion for the group's own result, where completions stand in the
 * order of starting (gather). creche_nobody: throw it away and release what it owns; a failure
 * still counts for the group. NULL: the queue of the nearest scope above that has one, else like
 * creche_nobody. Since 0.1. */
CRECHE_API void creche_to_group(void *user, const creche_completion *completion);
CRECHE_API void creche_nobody(void *user, const creche_completion *completion);

/* Releases `n` drained completions: the handles they own (clear CRECHE_OWNED to keep one), their
 * data and errors. Clears what it released, so a second time is harmless. Never fails, never
 * blocks. Since 0.1. */
CRECHE_API void creche_completions_release(creche_completion *completions, size_t n);

/* Releases whatever handle `value` is, if it is an owned one; for completions of unknown kind.
 * Since 0.1. */
CRECHE_API void creche_value_release(uint64_t value);

/* ---- Where something was started ----------------------------------------------------------------
 * For the `site` of options: the file and line where it stands, as in "page.c:12". */
#define CRECHE_TEXT_OF(number) #number
#define CRECHE_LINE_TEXT(number) CRECHE_TEXT_OF(number)
#define CRECHE_HERE __FILE__ ":" CRECHE_LINE_TEXT(__LINE__)

/* ---- Small things ------------------------------------------------------------------------------- */
/* The version of the library that is running: CRECHE_VERSION_NUMBER of its build. Since 0.1. */
CRECHE_API uint32_t creche_version(void);
/* The same as text, "0.1.0". Static. Since 0.1. */
CRECHE_API const char *creche_version_string(void);

#ifdef __cplusplus
}
#endif
#endif
