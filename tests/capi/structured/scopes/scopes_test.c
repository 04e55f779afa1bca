/* Scopes: cancelling, shields, who catches, reasons. The numbers are those of CASES.md. */
#include "support/core.h"

/* 5: cancelled twice is cancelled once. */
static void cancelling_twice_is_once(void** state) {
  seen s = {0};
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_outcome outcome;
  (void)state;
  spawn(scope, body_obeys, &s);
  settle();
  OK(creche_scope_cancel(scope, "first"));
  OK(creche_scope_cancel(scope, "second"));
  settle();
  assert_int_equal(s.cancels, 1);
  assert_int_equal(s.finals, 1);
  assert_string_equal(s.text, "first");
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  assert_int_equal(outcome.reason, CRECHE_REASON_EXPLICIT);
}

/* 6, 7: cancellation is a level: whatever is started in a cancelled scope is cancelled. */
static void cancellation_is_a_level(void** state) {
  seen s[3] = {{0}, {0}, {0}};
  creche_scope scope = scope_in(loop.scope, NULL);
  int i;
  (void)state;
  OK(creche_scope_cancel(scope, NULL));
  for (i = 0; i < 3; i++) {
    op(scope, &s[i]);
    assert_int_equal(s[i].finals, 0); /* never inside the call */
    settle();
    assert_int_equal(s[i].finals, 1);
    assert_int_equal(s[i].status, CRECHE_E_CANCELLED);
    assert_int_equal(s[i].flags, CRECHE_PASSING);
    assert_int_equal(s[i].reason, CRECHE_REASON_EXPLICIT);
    assert_int_equal(s[i].by.id, scope.id);
  }
  OK(creche_scope_leave(scope, NULL));
}

/* 3, 20: a scope that was cancelled for nothing catches nothing and leaves no trace. */
static void cancelled_for_nothing(void** state) {
  seen s = {0};
  creche_outcome outcome;
  creche_scope outer = scope_in(loop.scope, NULL);
  creche_scope scope = scope_in(outer, NULL);
  (void)state;
  OK(creche_scope_cancel(scope, NULL));
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(outcome.flags, 0);
  assert_int_equal(outcome.reason, CRECHE_REASON_EXPLICIT);
  IS(creche_scope_cancel(scope, NULL), CRECHE_E_ENDED);
  assert_int_equal(state_of(outer).reached, 0);
  assert_int_equal(state_of(outer).effective, 0);
  OK(creche_sleep(outer, 0, NULL, see, &s, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  OK(creche_scope_leave(outer, &outcome));
  assert_int_equal(outcome.flags, 0);
}

/* 19: the inner one was cancelled first, the outer one catches; the leaf knows the inner reason. */
static void the_outer_one_catches(void** state) {
  seen s = {0};
  creche_outcome outcome;
  creche_scope s1 = scope_in(loop.scope, NULL);
  creche_scope s2 = scope_in(s1, NULL);
  creche_scope s3 = scope_in(s2, NULL);
  (void)state;
  spawn(s3, body_waits, &s);
  settle();
  OK(creche_scope_cancel(s3, "inner"));
  OK(creche_scope_cancel(s2, "outer"));
  OK(creche_task_finish(s.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(s.finals, 1);
  assert_string_equal(s.text, "inner");
  assert_int_equal(s.by.id, s3.id);
  OK(creche_scope_leave(s3, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_CANCELLED);
  assert_int_equal(outcome.flags, CRECHE_PASSING);
  OK(creche_scope_leave(s2, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  assert_int_equal(state_of(s1).called, 0);
  assert_int_equal(state_of(s1).reached, 0);
  OK(creche_scope_leave(s1, &outcome));
  assert_int_equal(outcome.flags, 0);
}

/* 21: an operation was cancelled by the outer scope; the inner one is shielded before it is left.
 */
static void shielded_while_it_passes(void** state) {
  seen s = {0};
  creche_outcome outcome;
  creche_scope outer = scope_in(loop.scope, NULL);
  creche_scope inner = scope_in(outer, NULL);
  (void)state;
  op(inner, &s);
  OK(creche_scope_cancel(outer, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  OK(creche_scope_set_shield(inner, 1));
  OK(creche_scope_leave(inner, &outcome));
  assert_int_equal(outcome.flags, CRECHE_PASSING);
  OK(creche_scope_leave(outer, &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
}

static creche_status try_in(creche_scope scope) {
  seen s = {0};
  OK(creche_sleep(scope, 0, NULL, see, &s, NULL));
  until(&s.finals, 1);
  return s.status;
}

/* 2, 22, 28: a shield raised and dropped. */
static void a_shield_is_toggled(void** state) {
  creche_outcome outcome;
  creche_scope outer = scope_in(loop.scope, NULL);
  creche_scope shield = scope_in(outer, NULL);
  creche_scope inner = scope_in(shield, NULL);
  (void)state;
  OK(creche_scope_cancel(outer, NULL));
  IS(try_in(inner), CRECHE_E_CANCELLED);
  OK(creche_scope_set_shield(shield, 1));
  assert_int_equal(state_of(inner).effective, 0);
  IS(try_in(inner), CRECHE_OK);
  IS(try_in(outer), CRECHE_E_CANCELLED); /* outside of the shield */
  OK(creche_scope_set_shield(shield, 0));
  IS(try_in(inner), CRECHE_E_CANCELLED);
  OK(creche_scope_set_shield(shield, 1));
  IS(try_in(inner), CRECHE_OK);
  OK(creche_scope_cancel(inner, NULL)); /* inside of the shield */
  IS(try_in(inner), CRECHE_E_CANCELLED);
  OK(creche_scope_leave(inner, &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  OK(creche_scope_leave(shield, NULL));
  OK(creche_scope_leave(outer, &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
}

/* 22, the end: a shielded scope catches its own cancellation under a cancelled outer one. */
static void a_shielded_scope_catches_its_own(void** state) {
  creche_outcome outcome;
  creche_scope outer = scope_in(loop.scope, NULL), inner;
  creche_scope_options o = scope_options();
  (void)state;
  OK(creche_scope_cancel(outer, NULL));
  o.shield = 1;
  inner = scope_in(outer, &o);
  IS(try_in(inner), CRECHE_OK);
  OK(creche_scope_cancel(inner, NULL));
  IS(try_in(inner), CRECHE_E_CANCELLED);
  OK(creche_scope_leave(inner, &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  assert_int_equal(state_of(outer).reached, 0);
  OK(creche_scope_leave(outer, NULL));
}

/* 23: dropping the shield cancels what waits behind it at once. */
static void dropping_a_shield_cancels(void** state) {
  seen g = {0}, s = {0};
  creche_group_options o = group_options();
  creche_scope outer = scope_in(loop.scope, NULL);
  creche_group group;
  (void)state;
  o.shield = 1;
  group = group_in(outer, &o, &g);
  op(group.scope, &s);
  OK(creche_group_close(group));
  OK(creche_scope_cancel(outer, NULL));
  settle();
  assert_int_equal(s.finals, 0);
  OK(creche_scope_set_shield(group.scope, 0));
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(g.status, CRECHE_E_CANCELLED);
  assert_int_equal(g.flags, CRECHE_PASSING);
  assert_true(s.order < g.order);
  OK(creche_scope_leave(outer, NULL));
}

/* 24: only errors came out of a cancelled scope: it catches nothing. */
static void errors_are_not_caught(void** state) {
  seen g = {0}, s[2] = {{0}, {0}};
  creche_outcome outcome;
  creche_group_options o = group_options();
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_group group;
  int i;
  (void)state;
  o.shield = 1; /* so that no sibling is cancelled by the scope */
  group = group_in(scope, &o, &g);
  for (i = 0; i < 2; i++) spawn(group.scope, body_waits, &s[i]);
  OK(creche_group_close(group));
  settle();
  OK(creche_scope_cancel(scope, NULL));
  for (i = 0; i < 2; i++) OK(creche_task_finish(s[i].task, -1000 - i, 0, NULL));
  settle();
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.children, 2);
  assert_int_equal(g.child[0], -1000);
  assert_int_equal(g.child[1], -1001);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(outcome.flags, 0);
}

/* 49: what is used after a cancelled group starts clean. */
static void no_stray_cancellation(void** state) {
  seen g = {0}, s = {0};
  creche_outcome outcome;
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_group group = group_in(scope, NULL, &g);
  (void)state;
  op(group.scope, &s);
  OK(creche_scope_cancel(group.scope, NULL));
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.status, CRECHE_OK); /* its own cancellation ends at the group */
  assert_int_equal(g.flags, CRECHE_CAUGHT);
  IS(try_in(scope), CRECHE_OK);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.flags, 0);
}

/* 31: the text and the canceller travel; the text is cut at a character. */
static void reasons_travel(void** state) {
  seen s = {0}, t = {0};
  creche_scope scope = scope_in(loop.scope, NULL), other;
  char text[200];
  (void)state;
  op(scope, &s);
  OK(creche_scope_cancel(scope, "no longer wanted"));
  settle();
  assert_string_equal(s.text, "no longer wanted");
  assert_int_equal(s.reason, CRECHE_REASON_EXPLICIT);
  assert_int_equal(s.by.id, scope.id);
  assert_non_null(strstr(s.message, "no longer wanted"));
  OK(creche_scope_leave(scope, NULL));

  other = scope_in(loop.scope, NULL);
  op(other, &t);
  memset(text, 'x', sizeof text);
  strcpy(text + 126, "\xc3\xa9t\xc3\xa9"); /* the cut would go through the first two bytes */
  OK(creche_scope_cancel(other, text));
  settle();
  assert_int_equal(strlen(t.text), 126);
  OK(creche_scope_leave(other, NULL));
}

/* Reading a scope never changes it; what it says. */
static void a_look_at_a_scope(void** state) {
  seen s = {0};
  creche_scope_options o = scope_options();
  creche_scope outer = scope_in(loop.scope, NULL), inner, shielded;
  creche_scope_state look;
  int64_t deadline = now() + 3600 * CRECHE_SECOND;
  (void)state;
  OK(creche_scope_set_deadline(outer, deadline));
  inner = scope_in(outer, NULL);
  o.shield = 1;
  shielded = scope_in(outer, &o);
  op(inner, &s);
  look = state_of(inner);
  assert_int_equal(look.size, sizeof look);
  assert_int_equal(look.live, 1);
  assert_int_equal(look.called, 0);
  assert_true(look.deadline == CRECHE_NEVER);
  assert_true(look.effective_deadline == deadline);
  assert_true(state_of(shielded).effective_deadline == CRECHE_NEVER);
  assert_int_equal(state_of(outer).live, 2);
  OK(creche_scope_cancel(outer, NULL));
  look = state_of(inner);
  assert_int_equal(look.called, 0);
  assert_int_equal(look.effective, 1);
  assert_int_equal(look.reason, CRECHE_REASON_EXPLICIT);
  assert_true(look.effective_deadline == INT64_MIN);
  assert_int_equal(state_of(shielded).effective, 0);
  assert_int_equal(state_of(shielded).shield, 1);
  assert_int_equal(state_of(outer).called, 1);
  settle();
  assert_int_equal(state_of(inner).reached, 1);
  assert_int_equal(state_of(inner).live, 0);
  OK(creche_scope_leave(inner, NULL));
  OK(creche_scope_leave(shielded, NULL));
  OK(creche_scope_leave(outer, NULL));
}

/* ---- Leaving ---- */
static void busy_changes_nothing(void** state) {
  seen s = {0};
  creche_outcome outcome = {123, 0, 0, 0};
  creche_scope scope = scope_in(loop.scope, NULL), inner = scope_in(scope, NULL);
  creche_task task;
  (void)state;
  IS(creche_scope_leave(scope, &outcome), CRECHE_E_BUSY); /* an open scope in it */
  OK(creche_scope_leave(inner, &outcome));
  task = op(scope, &s);
  outcome.status = 123;
  IS(creche_scope_leave(scope, &outcome), CRECHE_E_BUSY);
  assert_int_equal(outcome.status, 123);
  IS(try_in(scope), CRECHE_OK); /* still open */
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  OK(creche_scope_leave(scope, &outcome));
  IS(creche_scope_leave(scope, &outcome), CRECHE_E_ENDED);
}

static void left_by_itself_when_empty(void** state) {
  seen s = {0}, t = {0};
  creche_outcome outcome;
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_task task = op(scope, &s);
  (void)state;
  OK(creche_scope_leave(scope, NULL));
  IS(creche_scope_leave(scope, NULL), CRECHE_E_STATE);
  IS(creche_scope_leave(scope, &outcome), CRECHE_E_STATE);
  IS(creche_sleep(scope, 0, NULL, see, &t, NULL), CRECHE_E_CLOSED); /* it takes no more */
  OK(creche_scope_cancel(scope, NULL));                             /* but can be cancelled */
  (void)task;
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  IS(creche_scope_cancel(scope, NULL), CRECHE_E_ENDED);
}

typedef struct leaver {
  creche_scope scope;
  creche_status left;
  creche_outcome outcome;
  int calls;
} leaver;
static void leave_in_callback(void* user, const creche_completion* c) {
  leaver* l = user;
  (void)c;
  l->calls++;
  l->left = creche_scope_leave(l->scope, &l->outcome);
}
static void the_last_step_may_leave(void** state) {
  leaver l = {{0}, 99, {99, 0, 0, 0}, 0};
  creche_scope_options o = scope_options();
  (void)state;
  o.timeout = 0;
  o.on_timeout = CRECHE_MOVE_ON;
  l.scope = scope_in(loop.scope, &o);
  OK(creche_sleep(l.scope, 0, NULL, leave_in_callback, &l, NULL));
  until(&l.calls, 1);
  assert_int_equal(l.left, CRECHE_OK);
  assert_int_equal(l.outcome.status, CRECHE_OK);
  assert_int_equal(l.outcome.flags, CRECHE_CAUGHT);
  IS(creche_scope_cancel(l.scope, NULL), CRECHE_E_ENDED);
}

static void only_bare_scopes_are_left(void** state) {
  seen g = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task = spawn(group.scope, body_waits, &s);
  (void)state;
  settle();
  IS(creche_scope_leave(loop.scope, NULL), CRECHE_E_STATE);
  IS(creche_scope_leave(group.scope, NULL), CRECHE_E_STATE);
  IS(creche_scope_leave(task.scope, NULL), CRECHE_E_STATE);
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.status, CRECHE_OK);
}

/* A loop has no shield; a library operation takes nothing into its scope. */
static void where_it_makes_no_sense(void** state) {
  seen s = {0}, t = {0};
  creche_task task = op(loop.scope, &s);
  creche_scope scope = {1};
  (void)state;
  IS(creche_scope_set_shield(loop.scope, 1), CRECHE_E_INVALID);
  IS(creche_scope_set_shield(task.scope, 2), CRECHE_E_INVALID);
  IS(creche_sleep(task.scope, 0, NULL, see, &t, NULL), CRECHE_E_STATE);
  IS(creche_scope_open(task.scope, NULL, &scope), CRECHE_E_STATE);
  assert_int_equal(scope.id, 0);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(s.flags, CRECHE_CAUGHT); /* by its own scope */
  assert_int_equal(t.finals, 0);
}

/* ---- Deep trees (18) ---- */
enum { DEEP = 5000 };
static void deep_scopes(void** state) {
  static creche_scope scopes[DEEP];
  seen s = {0};
  creche_outcome outcome;
  int i;
  (void)state;
  for (i = 0; i < DEEP; i++) scopes[i] = scope_in(i == 0 ? loop.scope : scopes[i - 1], NULL);
  op(scopes[DEEP - 1], &s);
  OK(creche_scope_cancel(scopes[0], "the root"));
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_string_equal(s.text, "the root");
  for (i = DEEP; i-- > 1;) OK(creche_scope_leave(scopes[i], NULL));
  OK(creche_scope_leave(scopes[0], &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
}

static void deep_groups_fail(void** state) {
  static seen seen_of[DEEP];
  static creche_group groups[DEEP];
  seen s = {0};
  int i;
  (void)state;
  memset(seen_of, 0, sizeof seen_of);
  for (i = 0; i < DEEP; i++)
    groups[i] = group_in(i == 0 ? loop.scope : groups[i - 1].scope, NULL, &seen_of[i]);
  spawn(groups[DEEP - 1].scope, body_fails, &s);
  for (i = 0; i < DEEP; i++) OK(creche_group_close(groups[i]));
  until(&seen_of[0].finals, 1);
  assert_int_equal(seen_of[0].status, CRECHE_E_GROUP);
  assert_int_equal(seen_of[0].children, 1);
  assert_int_equal(seen_of[DEEP - 1].child[0], CRECHE_E_USER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(cancelling_twice_is_once),
      TEST(cancellation_is_a_level),
      TEST(cancelled_for_nothing),
      TEST(the_outer_one_catches),
      TEST(shielded_while_it_passes),
      TEST(a_shield_is_toggled),
      TEST(a_shielded_scope_catches_its_own),
      TEST(dropping_a_shield_cancels),
      TEST(errors_are_not_caught),
      TEST(no_stray_cancellation),
      TEST(reasons_travel),
      TEST(a_look_at_a_scope),
      TEST(busy_changes_nothing),
      TEST(left_by_itself_when_empty),
      TEST(the_last_step_may_leave),
      TEST(only_bare_scopes_are_left),
      TEST(where_it_makes_no_sense),
      TEST(deep_scopes),
      TEST(deep_groups_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
