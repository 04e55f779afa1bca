/* What a real server does rarely between the description of a table and the COPY of rows into it
 * (creche_pool_copy_rows): it is altered, or what describes it the second time is refused. */
#include "fake_pg.h"

enum { INT8 = 20, FLOAT8 = 701 };

typedef struct table {
  int described;     /* so often */
  int refuse;        /* this description, and what is sent with it, up to a Sync */
  int refuse_copy;   /* the COPY behind this description */
  int changes;       /* with this description it is float8 */
  char state;        /* of the transaction */
  int copies, fails; /* COPYs that began; CopyFails */
  char got[20];      /* messages, but for those that every flight has */
  unsigned char row[64];
  size_t row_size;
} table;

static void describe(table* t, fake_out* o) {
  fake_message(o, 't', "\0\0", 2);
  fake_column(o, t->changes && t->described >= t->changes ? FLOAT8 : INT8, 8);
}

static void note(table* t, char what) {
  t->got[strlen(t->got)] = what;
}

static void serve(support_peer* peer, void* user) {
  table* t = user;
  fake_out o = {0, {0}};
  char type;
  int skipping = 0, describes = 0;
  if (!fake_start(peer, 1)) return;
  while ((type = fake_take(peer)) != 0) {
    const char* body = support_received(peer);
    if (skipping && type != 'S') {
      note(t, '-');
      continue;
    }
    switch (type) {
      case 'P':
        describes = strncmp(body + strlen(body) + 1, "SELECT * FROM t", 15) == 0;
        if (describes && ++t->described == t->refuse) {
          fake_error(&o, 'E', "ERROR", "57014");
          skipping = 1;
          if (t->state == 'T') t->state = 'E';
          if (!fake_send(peer, &o)) return;
          break;
        }
        if (strncmp(body + strlen(body) + 1, "ROLLBACK", 8) == 0) t->state = 'I';
        fake_message(&o, '1', "", 0);
        break;
      case 'B':
        fake_message(&o, '2', "", 0);
        break;
      case 'D':
        if (describes)
          describe(t, &o);
        else
          fake_column(&o, INT8, 8);
        break;
      case 'E':
        fake_end(&o, "SELECT 0");
        break;
      case 'S':
        note(t, 'S');
        skipping = 0;
        fake_message(&o, 'Z', &t->state, 1);
        if (!fake_send(peer, &o)) return;
        break;
      case 'Q':
        note(t, 'Q');
        if (t->described == t->refuse_copy) {
          fake_error(&o, 'E', "ERROR", "42501");
          fake_message(&o, 'Z', &t->state, 1);
        } else {
          t->copies++;
          fake_message(&o, 'G', "\1\0\1\0\1", 5);
        }
        if (!fake_send(peer, &o)) return;
        break;
      case 'd':
        t->row_size = 19 + 2 + 4 + 8 + 2;
        memcpy(t->row, body, t->row_size);
        break;
      case 'f':
        t->fails++;
        note(t, 'f');
        fake_error(&o, 'E', "ERROR", "57014");
        if (t->state == 'T') t->state = 'E';
        fake_message(&o, 'Z', &t->state, 1);
        if (!fake_send(peer, &o)) return;
        break;
      case 'c':
        note(t, 'c');
        fake_end(&o, "COPY 1");
        fake_message(&o, 'Z', &t->state, 1);
        if (!fake_send(peer, &o)) return;
        break;
      default:
        break;
    }
  }
}

static int32_t answers(const char* bytes, size_t size, void* user) {
  return creche_task_answer(*(creche_task*)user, CRECHE_OK, bytes, size, 0, NULL) == CRECHE_OK ? 0
                                                                                               : 1;
}

static void on_copy(void* user, const creche_completion* c) {
  if (c->kind != CRECHE_PULL) {
    on_answer(user, c);
    return;
  }
  const creche_value one = creche_int8(1);
  creche_task task = c->task;
  OK(creche_values_to_rows(&one, 1, 1, answers, &task));
}

/* got: what the server had of it. Then the connection is as good as before. */
static void copies(table* t, creche_status status, const char* got) {
  support_hostile* hostile = support_hostile_start(serve, t);
  creche_pool pool = fake_pool(hostile, 1, 0, "");
  t->state = 'I';
  creche_connection c = {0};
  if (t->got[0]) c = acquire(pool), t->state = *t->got;
  memset(t->got, 0, sizeof t->got);
  answer a;
  answer_init(&a);
  if (c.id)
    OK(creche_connection_copy_rows(c, loop.scope, "copy t from stdin", NULL, on_copy, &a, NULL));
  else
    OK(creche_pool_copy_rows(pool, loop.scope, "copy t from stdin", NULL, on_copy, &a, NULL));
  EXPECT(&a, status);
  a.value = 0;
  answer_free(&a);
  assert_string_equal(t->got, got);
  if (c.id) creche_connection_release(c);
  must(pool, "select 1");
  assert_int_equal(counters(pool).dropped, 0);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
  support_hostile_stop(hostile);
}

static void test_well(void** state) {
  (void)state;
  table t = {.described = 0};
  copies(&t, CRECHE_OK, "SQc");
  assert_int_equal(t.described, 2);
  assert_memory_equal(t.row + 19, "\0\1\0\0\0\10\0\0\0\0\0\0\0\1", 14);
}

/* Its first description, or the one in front of the COPY, which is skipped then: up to a Sync. */
static void test_refused(void** state) {
  (void)state;
  table first = {.refuse = 1}, second = {.refuse = 2}, copy = {.refuse_copy = 2};
  copies(&first, CRECHE_E_PG, "-S");
  copies(&second, CRECHE_E_PG, "S--S");
  copies(&copy, CRECHE_E_PG, "SQ");
}

/* It is copied as it is by then; in a transaction, whose lock does not allow that, it fails. */
static void test_altered(void** state) {
  (void)state;
  table t = {.changes = 2};
  copies(&t, CRECHE_OK, "SQfSQc");
  assert_int_equal(t.described, 4);
  assert_memory_equal(t.row + 19, "\0\1\0\0\0\10\x3f\xf0\0\0\0\0\0\0", 14);
  table in = {.changes = 2, .got = "T"};
  copies(&in, CRECHE_E_INVALID, "SQf");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_well),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_altered),
  };
  return cmocka_run_group_tests(tests, open_loop, close_loop);
}
