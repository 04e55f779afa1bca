/* What the model of model.h is made of: the tree, and what tasks wait on. */
#ifndef MODEL_TYPES_H
#define MODEL_TYPES_H

#include <creche/creche.h>

enum { MAX_NODES = 80, MAX_KEPT = MAX_NODES, MAX_ITEMS = MAX_NODES, NOBODY = -1 };
typedef enum { M_ROOT, M_SCOPE, M_GROUP, M_SLEEP, M_USER, M_WAIT, M_START } mtype;
typedef enum { W_TOKEN, W_EVENT, W_PERMITS, W_SEND, W_RECEIVE } mwait;
/* Where its completion goes. By a queue it has ended as soon as it is in there. */
enum { M_NOBODY, M_CALLBACK, M_QUEUE };

typedef struct mnode {
  mtype type;
  int parent, owner; /* the owner: the nearest group, task or root above */
  /* the options */
  int shield, move_on, policy, limit, told;
  int until_released; /* a group's children count until their completions are released */
  int in_queue;       /* an external task whose notices go to a queue: told at once */
  int at_once;        /* a task that finishes as it begins, */
  creche_status with;
  int says; /* or says that it has started */
  /* what has happened to it */
  int called, eff, called_by, reached, was_eff, won;
  int leaving;   /* a scope: when it is empty */
  int ending;    /* a group is closed, a task has finished */
  int abandoned; /* a group: by its task, which has finished */
  int over;      /* its result stands */
  int gone;      /* and was delivered; or a scope was left */
  int begun, cancel_due;
  int starting; /* its group's limit has let it in, and the loop has yet to start it */
  int live, pending;
  int64_t deadline, wake;                /* a sleep's end */
  int yields;                            /* a sleep that ends when its place is come to */
  int is_new, waiting, counted, running; /* for, and against, a group's limit */
  int cause, by;                         /* the reason, and the node that it names */
  int kept, kept_by;                     /* of the cancellation that a task had finished with */
  int finished_with, failed_step;        /* the node of a step that nobody was told of */
  int errors[MAX_KEPT], errors_n;
  int leases, give_back; /* of those in `pending`; to be given back by the loop */
  /* a start, and its child */
  int unborn;        /* its start has yet to begin */
  int due;           /* its deadline had passed when it was made */
  int child, target; /* the target for as long as it is pending */
  int elsewhere;     /* its child was cancelled alone, or with its target */
  int said;
  int body, has_body; /* of its group; and that has one, or had */
  int neutral;        /* a start of the group that its child goes to: it wins no race */
  int passed;         /* a cancellation has let it past its group's limit */
  /* a task that waits */
  mwait wait;
  int handle;            /* through which end of the channel; -1 when that was released */
  int amount;            /* the item that it sends, the permits that it wants */
  int token;             /* reserved for it */
  int undrained, undone; /* a receive in a queue; one that was taken back */
  int standing;          /* its result stands, though it is not told yet */
  /* an offloaded function */
  int offload, abandon;
  int limited;        /* it needs a token: `token` */
  int stop_due;       /* the loop has yet to hear that it is cancelled */
  int applied;        /* for its token */
  int handed;         /* to the workers, */
  int returned;       /* one of which has had it */
  int entered, frees; /* its function, and its argument */
  /* what must be observed */
  int begins, cancels, finals;
  creche_status status;
  uint32_t flags, reason, kind;
  int named;
  uint64_t value; /* an item */
} mnode;

/* What waits to be told, in order. */
typedef struct mevent {
  enum { E_BEGIN, E_CANCEL, E_FINAL, E_START, E_GIVE_BACK, E_OFFLOAD, E_YIELD } what;
  int node;
  long turn; /* in which it was noted */
} mevent;

/* ---- What tasks wait on: one of each kind is enough ---- */
typedef struct mline { /* first come, first served */
  int node[MAX_NODES];
  int n;
} mline;
typedef struct mtoken {
  int alive, held, owner, borrower;
} mtoken;
typedef struct mlimiter {
  int total, borrowed, released;
  mline line;
} mlimiter;
typedef struct mevents {
  int set, released;
  mline line;
} mevents;
typedef struct mrate { /* a permit is `interval` credits; each nanosecond brings `permits` of them
                        */
  int64_t permits, burst, interval, credits, at, paused_until;
  int released;
  mline line;
} mrate;
enum { SENDERS, RECEIVERS, HANDLES = 2 };
typedef struct mchannel {
  int capacity, item[MAX_ITEMS], n;
  int open[2][HANDLES]; /* the handles of each side */
  mline line[2];
  mline came; /* receives that an item, or the end, has come to, and that nobody was told of yet */
} mchannel;

typedef struct model {
  mnode n[MAX_NODES];
  int count;
  mevent due[8 * MAX_NODES];
  int due_first, due_n;
  mevent effect[8 * MAX_NODES]; /* what the loop has to do before it tells anybody anything */
  int effect_n;
  int closed_all;
  long turn;
  int64_t now;
  mlimiter limiter;
  mevents event;
  mrate rate;
  mchannel channel;
  mtoken token[MAX_NODES];
  int token_n;
  mline age;    /* the oldest first; who moves is young again */
  mline queue;  /* whose completions are in it */
  mline handed; /* functions that no worker has taken yet */
  int workers, busy;
  int (*has_entered)(int node); /* asks the library, which has done already what the model does */
  long did;                     /* how often the loop has had something to do */
  int lost[MAX_NODES], lost_n;  /* tokens that nobody was told of: given back when the loop turns */
  int freed[MAX_ITEMS];         /* items that nobody will take */
} model;

#endif
