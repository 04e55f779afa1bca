/* A begin, commit or rollback that the server refuses before it has begun with it (somebody cancels
 * it there, a time limit of the server's): nothing is done outside of a transaction, none is half
 * done, and the connection is as good as before. What the library's own cancel hits late is run
 * again. */
#include "fake_pg.h"
#include "steps.h"

/* A server that knows transactions, and statements that set one bit each. */
typedef struct fake_server {
  pthread_mutex_t lock;
  int controls;       /* begins, commits, ... so far */
  int first, refused; /* of these from the first on so many are refused */
  pthread_cond_t changed;
  int slow;    /* a slow statement runs */
  int cancels; /* requests so far: a slow statement waits for one */
  int hits;    /* what stands behind a slow one is hit, too: 1 before it has begun, 2 at its end */
  char order[40]; /* of the inserts */
  uint32_t stored;
} fake_server;

typedef struct session {
  char state; /* I: no transaction, T: in one, E: in a failed one */
  int skipping, hit;
  uint32_t pending, marks[8];
  char sql[200]; /* of the unnamed statement */
  struct {
    char name[40], sql[200];
  } named[16];
  int names;
  const char* bound;
} session;

static int starts(const char* sql, const char* with) {
  return strncmp(sql, with, strlen(with)) == 0;
}

static int is_control(const char* sql) {
  return starts(sql, "BEGIN") || starts(sql, "COMMIT") || starts(sql, "ROLLBACK") ||
         starts(sql, "SAVEPOINT") || starts(sql, "RELEASE");
}

static void refuse(session* s, fake_out* o, const char* state) {
  fake_error(o, 'E', "ERROR", state);
  s->skipping = 1;
  if (s->state == 'T') s->state = 'E';
  if (s->state == 'I') s->pending = 0;
}

static const char* find(session* s, const char* name) {
  if (!*name) return s->sql;
  for (int i = 0; i < s->names; i++)
    if (strcmp(s->named[i].name, name) == 0) return s->named[i].sql;
  return NULL;
}

static void parse(fake_server* f, session* s, fake_out* o, const char* name) {
  const char* sql = name + strlen(name) + 1;
  if (s->state == 'E' && !starts(sql, "COMMIT") && !starts(sql, "ROLLBACK")) {
    refuse(s, o, "25P02");
    return;
  }
  if (is_control(sql)) {
    const int number = f->controls++;
    if (number >= f->first && number < f->first + f->refused) {
      refuse(s, o, "57014");
      return;
    }
  }
  if (starts(sql, "a statement of this")) {
    refuse(s, o, "42601");
    return;
  }
  char* to = s->sql;
  if (*name) {
    assert_true(s->names < 16);
    strcpy(s->named[s->names].name, name);
    to = s->named[s->names++].sql;
  }
  snprintf(to, sizeof s->sql, "%s", sql);
  fake_message(o, '1', "", 0);
}

static void execute(fake_server* f, session* s, fake_out* o) {
  const char* sql = s->bound;
  const char* tag = "SELECT 0";
  const char* level = strstr(sql, "creche_");
  const int mark = level ? atoi(level + 7) : 0;
  if (starts(sql, "insert ")) {
    s->pending |= 1u << atoi(sql + 7);
    tag = "INSERT 0 1";
    f->order[strlen(f->order)] = (char)('a' + atoi(sql + 7));
  } else if (starts(sql, "slow")) {
    f->slow = 1;
    pthread_cond_broadcast(&f->changed);
    while (f->cancels == 0) pthread_cond_wait(&f->changed, &f->lock);
    refuse(s, o, "57014");
    s->hit = f->hits;
    return;
  } else if (starts(sql, "BEGIN")) {
    s->state = 'T';
    tag = "BEGIN";
  } else if (starts(sql, "SAVEPOINT")) {
    if (s->state != 'T') {
      refuse(s, o, "25P01");
      return;
    }
    s->marks[mark] = s->pending;
    tag = "SAVEPOINT";
  } else if (starts(sql, "RELEASE")) {
    tag = "RELEASE";
  } else if (starts(sql, "ROLLBACK TO")) {
    if (s->state == 'I') {
      refuse(s, o, "25P01");
      return;
    }
    s->pending = s->marks[mark];
    s->state = 'T';
    tag = "ROLLBACK";
  } else if (starts(sql, "COMMIT") || starts(sql, "ROLLBACK")) {
    const int commits = *sql == 'C' && s->state == 'T';
    if (commits) f->stored |= s->pending;
    tag = commits || (*sql == 'C' && s->state == 'I') ? "COMMIT" : "ROLLBACK";
    s->pending = 0;
    s->state = 'I';
  }
  fake_end(o, tag);
}

static void serve(support_peer* peer, void* user) {
  fake_server* f = user;
  session s;
  fake_out o = {0, {0}};
  char type;
  memset(&s, 0, sizeof s);
  s.state = 'I';
  if (!fake_start(peer, 1)) {
    pthread_mutex_lock(&f->lock);
    f->cancels++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return;
  }
  while ((type = fake_take(peer)) != 0) {
    const char* body = support_received(peer);
    if (type != 'S' && s.skipping) continue;
    pthread_mutex_lock(&f->lock);
    switch (type) {
      case 'P':
        parse(f, &s, &o, body);
        break;
      case 'B':
        s.bound = find(&s, body + strlen(body) + 1);
        if (s.hit == 1)
          refuse(&s, &o, "57014"), s.hit = 0;
        else if (!s.bound)
          refuse(&s, &o, "26000");
        else if (s.state == 'E' && !starts(s.bound, "COMMIT") && !starts(s.bound, "ROLLBACK"))
          refuse(&s, &o, "25P02");
        else
          fake_message(&o, '2', "", 0);
        break;
      case 'D':
        fake_message(&o, 'n', "", 0);
        break;
      case 'C':
        fake_message(&o, '3', "", 0);
        break;
      case 'E':
        execute(f, &s, &o);
        break;
      case 'S':
        if (s.hit == 2 && !s.skipping) refuse(&s, &o, "57014"), s.hit = 0;
        if (s.state == 'I') f->stored |= s.pending, s.pending = 0;
        s.skipping = 0;
        fake_message(&o, 'Z', &s.state, 1);
        fake_send(peer, &o);
        break;
      default:
        break;
    }
    pthread_mutex_unlock(&f->lock);
  }
}

/* Steps that are started on the loop, all at once. B C R: begin, commit, rollback; S: a slow
 * statement, which is cancelled; a to z: inserts bit 0 to 25. */
typedef struct plan {
  creche_connection c;
  const char* steps;
  answer a[40];
  creche_task slow;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int started;
} plan;

static void start_all(void* user, const creche_completion* completion) {
  plan* p = user;
  (void)completion;
  for (int i = 0; p->steps[i]; i++) {
    const char what = p->steps[i];
    char sql[40];
    snprintf(sql, sizeof sql, "insert %d", what - 'a');
    answer_init(&p->a[i]);
    if (what == 'S')
      OK(creche_connection_query(p->c, loop.scope, "slow", NULL, 0, NULL, on_answer, &p->a[i],
                                 &p->slow));
    else if (what >= 'a')
      OK(creche_connection_query(p->c, loop.scope, sql, NULL, 0, NULL, on_answer, &p->a[i], NULL));
    else
      start_step(what == 'B'   ? creche_connection_begin
                 : what == 'C' ? creche_connection_commit
                               : creche_connection_rollback,
                 p->c, loop.scope, &p->a[i], NULL);
  }
  pthread_mutex_lock(&p->lock);
  p->started = 1;
  pthread_cond_signal(&p->changed);
  pthread_mutex_unlock(&p->lock);
}

/* o: OK, p: E_PG, r: ROLLED_BACK, c: CANCELLED. */
static void play(fake_server* f, creche_connection c, const char* steps, char* got) {
  static plan p;
  memset(&p, 0, sizeof p);
  p.c = c;
  p.steps = steps;
  pthread_mutex_init(&p.lock, NULL);
  pthread_cond_init(&p.changed, NULL);
  OK(creche_loop_post(loop, start_all, &p));
  pthread_mutex_lock(&p.lock);
  while (!p.started) pthread_cond_wait(&p.changed, &p.lock);
  pthread_mutex_unlock(&p.lock);
  if (p.slow.scope.id != 0) {
    pthread_mutex_lock(&f->lock);
    while (!f->slow) pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
    OK(creche_scope_cancel(p.slow.scope, NULL));
  }
  int i = 0;
  for (; steps[i]; i++) {
    const creche_status status = answer_wait(&p.a[i]);
    got[i] = status == CRECHE_OK              ? 'o'
             : status == CRECHE_E_PG          ? 'p'
             : status == CRECHE_E_ROLLED_BACK ? 'r'
             : status == CRECHE_E_CANCELLED   ? 'c'
                                              : '?';
    answer_free(&p.a[i]);
  }
  got[i] = '\0';
}

static uint32_t bits(const char* steps) {
  uint32_t all = 0;
  for (; *steps; steps++)
    if (*steps >= 'a') all |= 1u << (*steps - 'a');
  return all;
}

/* What is refused: the control statement of this number, so often. steps, expected, what is stored.
 */
static void refused(const char* steps, int first, int times, const char* expected,
                    const char* stored) {
  fake_server f = {.first = first, .refused = times};
  char got[41];
  pthread_mutex_init(&f.lock, NULL);
  support_hostile* hostile = support_hostile_start(serve, &f);
  creche_pool pool = fake_pool(hostile, 1, 0, "");
  creche_connection c = acquire(pool);
  play(&f, c, steps, got);
  if (strcmp(got, expected) != 0)
    fail_msg("%s, %d refused %d times: %s instead of %s", steps, first, times, got, expected);
  pthread_mutex_lock(&f.lock);
  const uint32_t now = f.stored;
  f.first = 1 << 20;
  pthread_mutex_unlock(&f.lock);
  if (now != bits(stored))
    fail_msg("%s, %d refused %d times: %x is stored", steps, first, times, now);
  step(creche_connection_commit, c, CRECHE_E_STATE);
  play(&f, c, "xByC", got);
  assert_string_equal(got, "oooo");
  assert_int_equal(counters(pool).dropped, 0);
  creche_connection_release(c);
  must(pool, "insert 25");
  close_pool(pool);
  support_hostile_stop(hostile);
  assert_int_equal(f.stored, bits(stored) | bits("xyz"));
  pthread_mutex_destroy(&f.lock);
}

static void test_refused(void** state) {
  (void)state;
  static const struct {
    const char* steps;
    int first, times;
    const char *expected, *stored;
  } cases[] = {
      {"BabCBcdCe", 9, 1, "ooooooooo", "abcde"},
      /* A begin: what was to happen in it fails, what stands behind it is as ever. */
      {"BabC", 0, 3, "pppr", ""},
      {"BabR", 0, 3, "pppo", ""},
      {"BabCBcdCe", 0, 3, "ppprooooo", "cde"},
      {"aBbcCd", 0, 3, "opppro", "ad"},
      {"BabCBcdCe", 2, 3, "oooopppro", "abe"},
      {"BaRBbRBcC", 2, 3, "oooppoooo", "c"},
      /* A commit: it rolls back. */
      {"BabC", 1, 3, "ooor", ""},
      {"BabCBcdCe", 1, 3, "ooorooooo", "cde"},
      {"BabCcdBeC", 1, 3, "ooorooooo", "cde"},
      {"BabCBcdCef", 3, 3, "oooooooroo", "abef"},
      /* A rollback: it rolls back all the same. */
      {"BabRBcdCe", 1, 3, "ooooooooo", "cde"},
      {"BabRcdBeC", 1, 3, "ooooooooo", "cde"},
      {"BaRBbRBcC", 1, 3, "ooooooooo", "c"},
      /* Of a savepoint: the whole transaction fails. */
      {"BaBbCcCd", 1, 1, "ooppppro", "d"},
      {"BaBbCcCd", 2, 1, "ooooppro", "d"},
      {"BaBbRcCd", 2, 1, "ooooppro", "d"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int times = 1; times <= cases[i].times; times++)
      refused(cases[i].steps, cases[i].first, times, cases[i].expected, cases[i].stored);
}

/* The cancel of a slow statement comes late, and hits what stands behind it: that is run again, in
 * its order. */
static void hit(const char* steps, int hits, const char* expected, const char* stored) {
  fake_server f = {.first = 1 << 20, .hits = hits};
  char got[41];
  pthread_mutex_init(&f.lock, NULL);
  pthread_cond_init(&f.changed, NULL);
  support_hostile* hostile = support_hostile_start(serve, &f);
  creche_pool pool = fake_pool(hostile, 1, 0, "");
  creche_connection c = acquire(pool);
  for (int n = 0; n < 3; n++) play(&f, c, "ab", got); /* known as short, and prepared */
  memset(f.order, 0, sizeof f.order);
  f.stored = 0;
  play(&f, c, steps, got);
  if (strcmp(got, expected) != 0)
    fail_msg("%s, hit %d: %s instead of %s", steps, hits, got, expected);
  assert_int_equal(f.stored, bits(stored));
  if (hits == 1) assert_string_equal(f.order, stored);
  if (counters(pool).resent != 1) fail_msg("%s, hit %d: not sent again", steps, hits);
  assert_int_equal(counters(pool).dropped, 0);
  play(&f, c, "xByC", got);
  assert_string_equal(got, "oooo");
  creche_connection_release(c);
  close_pool(pool);
  support_hostile_stop(hostile);
  pthread_mutex_destroy(&f.lock);
  pthread_cond_destroy(&f.changed);
}

static void test_hit(void** state) {
  (void)state;
  for (int hits = 1; hits <= 2; hits++) {
    hit("Sabcd", hits, "coooo", "abcd");
    hit("Sab", hits, "coo", "ab");
    hit("SBabCc", hits, "cooooo", "abc");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_hit),
  };
  return cmocka_run_group_tests(tests, open_loop, close_loop);
}
