/* Behind a pooler that tracks prepared statements the next execution may run on another session,
 * which has prepared the text anew: no value is read by a description that this execution has not
 * brought. */
#include <stdatomic.h>

#include "fake_pg.h"

typedef struct pooler {
  uint32_t process;     /* what is said in the handshake */
  uint32_t answers;     /* what the server's process says; 0: an error */
  int changes_at;       /* executions until the column is another one */
  atomic_int executed;  /* of the statement */
  atomic_int described; /* of these */
  atomic_int asked;     /* for the process */
} pooler;

static void put_row(fake_out* o, const pooler* p) {
  if (p->executed < p->changes_at)
    fake_message(o, 'D', "\0\1\0\0\0\10\0\0\0\0\0\0\3\350", 14); /* int8 1000 */
  else
    fake_message(o, 'D', "\0\1\0\0\0\10\100\217\100\0\0\0\0\0", 14); /* float8 1000.0 */
}

/* One column, int8 at first and float8 later. */
static void serve(support_peer* peer, void* user) {
  pooler* p = user;
  fake_out o = {0, {0}}, row = {0, {0}};
  int question = 0, bound_to_it = 0, described = 0, failed = 0;
  char type;
  if (!fake_start(peer, p->process)) return;
  while ((type = fake_take(peer)) != 0) {
    const char* body = support_received(peer);
    if (failed && type != 'S') continue;
    switch (type) {
      case 'P':
        question = strstr(body + strlen(body) + 1, "pg_backend_pid") != NULL;
        fake_message(&o, '1', "", 0);
        break;
      case 'B': /* portal, statement: the question is the only unnamed one that is asked for */
        bound_to_it = question && body[1] == '\0';
        fake_message(&o, '2', "", 0);
        break;
      case 'D':
        described = 1;
        if (p->executed < p->changes_at)
          fake_column(&o, CRECHE_PG_INT8, 8);
        else
          fake_column(&o, CRECHE_PG_FLOAT8, 8);
        break;
      case 'C':
        fake_message(&o, '3', "", 0);
        break;
      case 'E':
        if (bound_to_it && p->answers == 0) {
          p->asked++;
          failed = 1;
          fake_error(&o, 'E', "ERROR", "42883");
          break;
        }
        if (bound_to_it) {
          p->asked++;
          row.size = 0;
          fake_number(&row, 2, 2);
          fake_number(&row, 4, 4);
          fake_number(&row, p->answers, 4);
          fake_number(&row, 6, 4);
          fake_put(&row, "creche", 6);
          fake_message(&o, 'D', row.bytes, row.size);
        } else {
          put_row(&o, p);
          p->executed++;
          p->described += described;
          described = 0;
        }
        fake_end(&o, "SELECT 1");
        break;
      case 'S':
        fake_message(&o, 'Z', "I", 1);
        fake_send(peer, &o);
        question = failed = 0;
        break;
      default:
        return;
    }
  }
}

enum { RUNS = 8 };

static void run_all(pooler* p) {
  support_hostile* hostile = support_hostile_start(serve, p);
  creche_pool pool = fake_pool(hostile, 1, 0, "");
  for (int i = 0; i < RUNS; i++) {
    answer a;
    run(pool, &a, "select n from t");
    EXPECT(&a, CRECHE_OK);
    if (i < p->changes_at) {
      assert_int_equal(creche_row_column_type(a.rows, 0), CRECHE_PG_INT8);
      assert_int_equal(creche_row_int8(a.rows, 0, 0), 1000);
    } else {
      assert_int_equal(creche_row_column_type(a.rows, 0), CRECHE_PG_FLOAT8);
      assert_true(creche_row_float8(a.rows, 0, 0) == 1000.0);
    }
    answer_free(&a);
  }
  assert_int_equal(counters(pool).dropped, 0);
  close_pool(pool);
  support_hostile_stop(hostile);
}

/* Whatever the moment of the change is. */
static void test_pooler(void** state) {
  (void)state;
  for (int at = 1; at < RUNS; at++) {
    pooler p = {.process = 11, .answers = 4711, .changes_at = at};
    run_all(&p);
    assert_int_equal(p.described, RUNS);
    assert_int_equal(p.asked, 1);
  }
}

/* No key in the handshake, no answer that means anything. */
static void test_unknown(void** state) {
  (void)state;
  pooler none = {.process = 0, .answers = 0, .changes_at = 4};
  run_all(&none);
  assert_int_equal(none.described, RUNS);
  assert_int_equal(none.asked, 0);
  pooler refuses = {.process = 11, .answers = 0, .changes_at = 4};
  run_all(&refuses);
  assert_int_equal(refuses.described, RUNS);
  assert_int_equal(refuses.asked, 1);
}

/* Directly the server sees to it; nothing is described twice. */
static void test_direct(void** state) {
  (void)state;
  pooler p = {.process = 11, .answers = 11, .changes_at = RUNS};
  run_all(&p);
  assert_int_equal(p.asked, 1);
  assert_int_equal(p.described, 3); /* alone, prepared, and with the question */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pooler), cmocka_unit_test(test_unknown),
                                     cmocka_unit_test(test_direct)};
  return cmocka_run_group_tests(tests, open_loop, close_loop);
}
