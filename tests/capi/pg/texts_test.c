/* What rows and errors lend lives as long as they are held: not only as long as the statement, its
 * task, the pool or the loop that they came from. They keep memory, and no descriptor. */
#include <fcntl.h>

#include "pg_test.h"

typedef struct kept {
  answer a;
  uint64_t block; /* the first one of a stream */
} kept;

static void keep_first(void* user, const creche_completion* c) {
  kept* k = user;
  if ((c->flags & CRECHE_MORE) == 0) {
    on_answer(&k->a, c);
  } else if (k->block == 0) {
    k->block = c->value;
  } else {
    creche_value_release(c->value);
  }
}

static int descriptors(void) {
  int n = 0;
  for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}
static int descriptors_before; /* there was a loop */

static int own_server(void** state) {
  (void)state;
  server = support_postgres_start(NULL);
  descriptors_before = descriptors();
  return server != NULL && creche_loop_open(NULL, &loop) == CRECHE_OK ? 0 : -1;
}
static int own_server_stops(void** state) {
  (void)state;
  support_postgres_stop(server);
  return 0;
}

static void test_texts_outlive_the_loop(void** state) {
  (void)state;
  static const char sql[] = "select 'one' as first, repeat('two', 2) as second";
  creche_pool pool = open_pool(2);
  answer whole, failed;
  kept k = {.block = 0};
  creche_task task;
  answer owner;
  answer_init(&owner);
  answer_init(&k.a);
  OK(creche_task_open(loop.scope, NULL, on_answer, &owner, &task));
  OK(creche_pool_stream(pool, task.scope, sql, NULL, 0, NULL, keep_first, &k, NULL));
  EXPECT(&k.a, CRECHE_OK);
  run(pool, &whole, sql);
  EXPECT(&whole, CRECHE_OK);
  run(pool, &failed, "select wrong from nowhere");
  EXPECT(&failed, CRECHE_E_PG);
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  EXPECT(&owner, CRECHE_OK);

  const creche_row_block* blocks[] = {whole.rows, creche_rows_block((creche_rows){k.block})};
  const char *names[2], *texts[2];
  for (int i = 0; i < 2; i++) {
    names[i] = creche_row_column_name(blocks[i], 1);
    texts[i] = creche_row_text(blocks[i], 0, 1, NULL);
  }
  const char* detail = failed.error->server_message;
  creche_pool_release(pool);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, 20 * CRECHE_SECOND));
  assert_int_equal(descriptors(), descriptors_before);
  for (int i = 0; i < 2; i++) {
    assert_string_equal(names[i], "second");
    assert_string_equal(texts[i], "twotwo");
    assert_string_equal(creche_row_text(blocks[i], 0, 0, NULL), "one");
  }
  assert_ptr_equal(creche_rows_block((creche_rows){k.block}), blocks[1]);
  assert_non_null(strstr(detail, "nowhere"));
  creche_rows_release((creche_rows){k.block});
  assert_null(creche_rows_block((creche_rows){k.block}));
  answer_free(&whole);
  answer_free(&failed);
  answer_free(&k.a);
  answer_free(&owner);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_texts_outlive_the_loop, own_server, own_server_stops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
