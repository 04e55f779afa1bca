/* What callbacks make ready goes on in the same turn, for a moment: in the order in which it became
 * ready, never past a yield that began in this turn, and behind what is due. */
#include "support/core.h"

static void one_turn(void) {
  IS(creche_loop_poll(loop, 0), CRECHE_OK);
}

/* A chain of posts: each posts the next. */
typedef struct chain {
  int left, done;
} chain;
static void post_next(void* user, const creche_completion* c) {
  chain* of = user;
  (void)c;
  of->done++;
  if (of->left-- > 0) SAY(creche_loop_post(loop, post_next, of));
}

static void a_chain_takes_one_turn(void** state) {
  chain short_one = {9, 0};
  (void)state;
  OK(creche_loop_post(loop, post_next, &short_one));
  one_turn();
  assert_int_equal(short_one.done, 10);
}

/* So many rounds that nothing else waits for long. */
static void a_turn_comes_to_its_end(void** state) {
  chain endless = {1 << 20, 0};
  int first;
  (void)state;
  OK(creche_loop_post(loop, post_next, &endless));
  one_turn();
  first = endless.done;
  assert_in_range(first, 2, 16);
  one_turn();
  assert_in_range(endless.done, first + 2, 32);
  endless.left = 0;
  settle();
}

static void sleeps_and_deadlines_come_in_between(void** state) {
  creche_scope_options o = scope_options();
  chain endless = {1 << 30, 0};
  seen slept = {0}, cut = {0};
  creche_scope scope;
  (void)state;
  o.timeout = CRECHE_MILLISECOND;
  scope = scope_in(loop.scope, &o);
  op(scope, &cut);
  OK(creche_sleep(loop.scope, CRECHE_MILLISECOND, NULL, see, &slept, NULL));
  OK(creche_loop_post(loop, post_next, &endless));
  until(&cut.finals, 1);
  until(&slept.finals, 1);
  endless.left = 0;
  settle();
  OK(creche_scope_leave(scope, NULL));
}

/* ---- The order ---- */
static seen first, given_way, behind, told_next;
static int first_posts_next;
static void told_first(void* user, const creche_completion* c) {
  note(user, c);
  if (first_posts_next) SAY(creche_loop_post(loop, see, &told_next));
}
static void starts_all(void* user, const creche_completion* c) {
  const int yields = *(int*)user;
  (void)c;
  SAY(creche_loop_post(loop, told_first, &first));
  if (yields)
    SAY(creche_yield(loop.scope, NULL, see, &given_way, NULL));
  else
    SAY(creche_sleep(loop.scope, 0, NULL, see, &given_way, NULL));
  SAY(creche_loop_post(loop, see, &behind));
}
static void start_all(int* yields, int posts) {
  memset(&first, 0, sizeof first);
  memset(&given_way, 0, sizeof given_way);
  memset(&behind, 0, sizeof behind);
  memset(&told_next, 0, sizeof told_next);
  first_posts_next = posts;
  OK(creche_loop_post(loop, starts_all, yields));
}

static void nothing_goes_past_a_yield(void** state) {
  int yields = 1;
  (void)state;
  start_all(&yields, 1);
  settle();
  assert_true(first.order < given_way.order);
  assert_true(given_way.order < behind.order);
  assert_true(behind.order < told_next.order);
}
static void a_yield_ends_in_the_next_turn(void** state) {
  int yields = 1;
  (void)state;
  start_all(&yields, 1);
  one_turn();
  assert_int_equal(first.finals, 1);
  assert_int_equal(given_way.finals + behind.finals + told_next.finals, 0);
  one_turn();
  assert_int_equal(given_way.finals + behind.finals + told_next.finals, 3);
}
/* One that was cut stands in nobody's way. */
static void cancels_it(void* user, const creche_completion* c) {
  seen* s = user;
  creche_task task;
  (void)c;
  SAY(creche_yield(loop.scope, NULL, see, s, &task));
  creche_scope_cancel(task.scope, NULL);
  SAY(creche_loop_post(loop, see, &behind));
}
static void unless_it_was_cut(void** state) {
  seen s = {0};
  (void)state;
  memset(&behind, 0, sizeof behind);
  OK(creche_loop_post(loop, cancels_it, &s));
  one_turn();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(behind.finals, 1);
}

/* A sleep that is over ends before the round that would come next. */
static void what_is_due_comes_first(void** state) {
  int yields = 0;
  (void)state;
  start_all(&yields, 1);
  one_turn();
  assert_int_equal(first.finals, 0);
  one_turn();
  assert_true(first.order < behind.order);
  assert_true(behind.order < given_way.order);
  assert_true(given_way.order < told_next.order);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      VIRTUAL_TEST(a_chain_takes_one_turn),
      VIRTUAL_TEST(a_turn_comes_to_its_end),
      TEST(sleeps_and_deadlines_come_in_between),
      TEST(nothing_goes_past_a_yield),
      VIRTUAL_TEST(nothing_goes_past_a_yield),
      VIRTUAL_TEST(a_yield_ends_in_the_next_turn),
      VIRTUAL_TEST(unless_it_was_cut),
      VIRTUAL_TEST(what_is_due_comes_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
