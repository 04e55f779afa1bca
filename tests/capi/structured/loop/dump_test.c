/* The live tree as text, JSON and DOT. */
#include <stdio.h>

#include "support/blocker.h"
#include "support/core.h"

/* The dump of a loop, malloc'd. */
static char* dump_of(creche_loop of, uint32_t format) {
  size_t size = 0, again = 0;
  char* text;
  IS(creche_loop_dump(of, format, NULL, 0, &size), CRECHE_E_LIMIT);
  text = malloc(2 * size); /* ages grow meanwhile */
  assert_non_null(text);
  OK(creche_loop_dump(of, format, text, 2 * size, &again));
  assert_int_equal(again, strlen(text) + 1);
  return text;
}

/* Runs Python with `text` as its input; `program` sees the parsed dump as d, its nodes as n, by id
 * as ids, and by name as names. */
static void python_agrees(const char* text, const char* program) {
  static const char before[] =
      "import json, sys\n"
      "d = json.loads(sys.stdin.buffer.read().decode())\n" /* strict: it is UTF-8 */
      "n = d['nodes']; ids = {}; names = {}\n"
      "assert d['format'] == 1 and d['loop'] == n[0]['id'] and n[0]['parent'] is None\n"
      "for x in n:\n"
      "  assert x is n[0] or x['parent'] in ids, x\n"
      "  ids[x['id']] = x; names[x['name']] = x\n"
      "  assert set(x) == set('id parent kind name site state waits_for age left shield "
      "cancelled'\n"
      "                       ' live leases'.split()), x\n"
      "assert len(ids) == len(n)\n";
  char command[4096];
  const size_t size = strlen(text);
  FILE* python;
  assert_null(strchr(program, '\''));
  assert_true((size_t)snprintf(command, sizeof command,
                               "exec python3 -c \"$(cat <<'END'\n%s%s\nEND\n)\"", before,
                               program) < sizeof command);
  python = popen(command, "w");
  assert_non_null(python);
  assert_int_equal(fwrite(text, 1, size, python), size);
  assert_int_equal(pclose(python), 0);
}

/* DOT that holds together: quotes and brackets are closed, every edge is between known nodes. */
static void dot_agrees(const char* text, size_t nodes) {
  size_t found = 0, edges = 0;
  const char* p;
  int quoted = 0, depth = 0;
  assert_int_equal(strncmp(text, "digraph creche {", 16), 0);
  for (p = text; *p; p++) {
    if (quoted && *p == '\\') {
      assert_true(p[1] == '"' || p[1] == '\\' || p[1] == 'n');
      p++;
    } else if (*p == '"') {
      quoted = !quoted;
    } else if (quoted) {
      assert_true((unsigned char)*p >= 0x20);
    } else {
      depth += *p == '{' || *p == '[';
      depth -= *p == '}' || *p == ']';
      found += strncmp(p, "[shape", 6) == 0;
      edges += strncmp(p, "->", 2) == 0;
    }
  }
  assert_true(!quoted && depth == 0);
  assert_int_equal(found, nodes);
  assert_int_equal(edges, nodes - 1);
  if (system("command -v dot >/dev/null 2>&1") == 0) {
    FILE* dot = popen("exec dot -Tdot >/dev/null", "w");
    assert_non_null(dot);
    fputs(text, dot);
    assert_int_equal(pclose(dot), 0);
  }
}

/* Who waits for what, since when, how much longer, why not any more, and where it was started. */
static void what_a_dump_says(void** state) {
  seen g = {0}, s = {0}, b = {0}, w = {0};
  creche_group_options o = group_options();
  creche_scope_options so = scope_options();
  creche_task_options t = task_options();
  creche_group group, other;
  creche_scope scope;
  char* text;
  (void)state;
  o.name = "fetches";
  o.site = CRECHE_HERE;
  o.limit = 1;
  group = group_in(loop.scope, &o, &g);
  so.name = "section";
  so.site = "section.c:7";
  so.shield = 1;
  so.timeout = 3600 * CRECHE_SECOND;
  scope = scope_in(loop.scope, &so);
  t.name = "worker";
  t.site = "worker.c:1";
  OK(creche_task_spawn(scope, body_waits, &b, &t, see, &b, NULL));
  t.name = NULL;
  t.site = "only.c:2";
  OK(creche_sleep_until(group.scope, CRECHE_NEVER, &t, see, &s, NULL));
  t.name = "waiter";
  t.site = NULL;
  OK(creche_sleep(group.scope, CRECHE_SECOND, &t, see, &w, NULL));
  o.name = "other";
  o.limit = 0;
  other = group_in(loop.scope, &o, &g);
  op(other.scope, &s);
  OK(creche_group_close(other));
  settle();
  OK(creche_task_finish(b.task, CRECHE_OK, 0, NULL)); /* ends in a later turn */
  op(scope, &s);

  text = dump_of(loop, CRECHE_DUMP_JSON);
  python_agrees(
      text,
      "f = names[\"fetches\"]\n"
      "assert f[\"kind\"] == \"group\" and f[\"state\"] == \"open\" and f[\"live\"] == 2\n"
      "assert f[\"parent\"] == d[\"loop\"] and f[\"cancelled\"] is None\n"
      "assert \"dump_test.c:\" in f[\"site\"] and f[\"site\"].split(\":\")[-1].isdigit()\n"
      "s = names[\"section\"]\n"
      "assert s[\"kind\"] == \"scope\" and s[\"shield\"] is True and s[\"age\"] is None\n"
      "assert 3500e9 < s[\"left\"] <= 3600e9 and s[\"site\"] == \"section.c:7\"\n"
      "w = names[\"waiter\"]\n"
      "assert w[\"state\"] == \"waiting\" and w[\"waits_for\"] == \"the group\\u0027s limit\"\n"
      "assert w[\"site\"] == \"\" and w[\"left\"] is None and 0 <= w[\"age\"] < 60e9\n"
      "only = [x for x in n if x[\"site\"] == \"only.c:2\"]\n"
      "assert len(only) == 1 and only[0][\"name\"] == \"\" and only[0][\"state\"] == \"asleep\"\n"
      "c = names[\"other\"]\n"
      "assert c[\"state\"] == \"closed\" and c[\"waits_for\"] == \"its children\"\n"
      "assert n[0][\"name\"] == \"test\" and n[0][\"leases\"] == []\n");
  free(text);

  OK(creche_scope_cancel(group.scope, "enough \"now\""));
  OK(creche_scope_cancel(scope, NULL));
  text = dump_of(loop, CRECHE_DUMP_JSON);
  python_agrees(
      text,
      "f = names[\"fetches\"]\n"
      "assert f[\"cancelled\"] == {\"reason\": \"explicit\", \"by\": f[\"id\"],\n"
      "                          \"text\": \"enough \\\"now\\\"\"}\n"
      "s = names[\"section\"]\n"
      "assert s[\"cancelled\"][\"reason\"] == \"explicit\" and s[\"cancelled\"][\"text\"] == \"\"\n"
      "assert s[\"left\"] is None\n"
      "assert names[\"other\"][\"cancelled\"] is None\n");
  free(text);

  text = dump_of(loop, CRECHE_DUMP_TEXT);
  assert_non_null(strstr(text, "loop \"test\" "));
  assert_non_null(strstr(text, "\n  group \"fetches\" "));
  assert_non_null(strstr(text, "dump_test.c:"));
  assert_non_null(strstr(text, "cancelled (explicit: enough \\\"now\\\")"));
  assert_non_null(strstr(text, "\n  scope \"section\" "));
  assert_non_null(strstr(text, " at section.c:7, open"));
  assert_non_null(strstr(text, "shielded"));
  assert_non_null(strstr(text, "closed, waits for its children"));
  free(text);

  text = dump_of(loop, CRECHE_DUMP_DOT);
  dot_agrees(text, 5);
  assert_non_null(strstr(text, "group fetches"));
  assert_non_null(strstr(text, "section.c:7"));
  assert_non_null(strstr(text, "cancelled: explicit: enough \\\"now\\\""));
  free(text);

  settle();
  OK(creche_scope_leave(scope, NULL));
  OK(creche_group_close(group));
  OK(creche_scope_cancel(other.scope, NULL));
  settle();
  assert_int_equal(g.finals, 2);
}

/* Names and sites are the user's bytes. Quotes, backslash, controls, DEL; an e with an accent and
 * an emoji; then what is no UTF-8: a lone continuation, an overlong slash, a surrogate, beyond
 * U+10FFFF, and a character cut at the end. */
static void any_bytes_in_names(void** state) {
  seen s = {0};
  creche_task_options t = task_options();
  creche_group_options o = group_options();
  creche_group group;
  char* text;
  (void)state;
  o.name = "g";
  group = group_in(loop.scope, &o, &s);
  t.name =
      "q\"b\\n\n\t\x01\x7f "
      "\xc3\xa9\xf0\x9f\x98\x80|\x80|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82";
  t.site = "<&amp;>\\N \"dir\"/file.c:1";
  OK(creche_task_spawn(group.scope, body_obeys, &s, &t, see, &s, NULL));
  t.name = "\xf0\x9f\x98";
  t.site = "\xff";
  OK(creche_task_spawn(group.scope, body_obeys, &s, &t, see, &s, NULL));
  OK(creche_scope_cancel(group.scope, "why\xff\"\\"));
  text = dump_of(loop, CRECHE_DUMP_JSON);
  python_agrees(
      text,
      "r = \"\\ufffd\"\n"
      "first = \"q\\\"b\\\\n\\n\\t\\x01\\x7f \\u00e9\\U0001f600|\" + r + \"|\" + 2*r + \"|\" + 3*r"
      " + \"|\" + 4*r + \"|\" + 2*r\n"
      "assert n[2][\"name\"] == first, ascii(n[2][\"name\"])\n"
      "assert n[2][\"site\"] == \"<&amp;>\\\\N \\\"dir\\\"/file.c:1\", n[2][\"site\"]\n"
      "assert n[3][\"name\"] == 3*r and n[3][\"site\"] == r\n"
      "assert n[1][\"cancelled\"][\"text\"] == \"why\" + r + \"\\\"\\\\\"\n");
  free(text);
  text = dump_of(loop, CRECHE_DUMP_DOT);
  dot_agrees(text, 4);
  assert_non_null(strstr(text, "<&amp;amp;>\\\\N \\\"dir\\\"/file.c:1"));
  free(text);
  text = dump_of(loop, CRECHE_DUMP_TEXT);
  assert_non_null(
      strstr(text, "\"q\\\"b\\\\n\\x0a\\x09\\x01\\x7f \xc3\xa9\xf0\x9f\x98\x80|\\x80|\\xc0\\xaf|"));
  assert_non_null(strstr(text, " at \\xff, "));
  free(text);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(s.finals, 3);
}

/* Large and deep: no recursion, and nothing is left out. */
static void a_hundred_thousand_nodes(void** state) {
  enum { DEEP = 5000, WIDE = 95000 };
  seen s = {0};
  creche_scope scope = loop.scope;
  creche_task_options t = task_options();
  char* text;
  size_t lines = 0;
  int i;
  (void)state;
  for (i = 0; i < DEEP; i++) scope = scope_in(scope, NULL);
  t.name = "one of many";
  t.site = CRECHE_HERE;
  for (i = 0; i < WIDE; i++)
    if (creche_sleep_until(scope, CRECHE_NEVER, &t, creche_nobody, &s, NULL) != CRECHE_OK) fail();
  text = dump_of(loop, CRECHE_DUMP_JSON);
  python_agrees(text,
                "assert len(n) == 100001\n"
                "assert sum(x[\"kind\"] == \"sleep\" for x in n) == 95000\n"
                "assert sum(x[\"kind\"] == \"scope\" for x in n) == 5000\n");
  free(text);
  text = dump_of(loop, CRECHE_DUMP_TEXT);
  for (i = 0; text[i]; i++) lines += text[i] == '\n';
  assert_int_equal(lines, DEEP + WIDE + 1);
  free(text);
  text = dump_of(loop, CRECHE_DUMP_DOT);
  assert_non_null(strstr(text, "}\n"));
  free(text);
}

/* From any thread, while a callback blocks the loop. */
static void while_the_loop_is_stuck(void** state) {
  blocker b = BLOCKER;
  creche_loop l;
  creche_task_options t = task_options();
  uint32_t format;
  (void)state;
  OK(creche_loop_open(NULL, &l));
  t.name = "stuck";
  OK(creche_task_spawn(l.scope, block_until_told, &b, &t, creche_nobody, NULL, NULL));
  await_blocked(&b);
  for (format = CRECHE_DUMP_TEXT; format <= CRECHE_DUMP_DOT; format++) {
    char* text = dump_of(l, format);
    assert_non_null(strstr(text, "stuck"));
    free(text);
  }
  OK(creche_loop_close(l));
  unblock(&b);
  IS(creche_loop_join(l, 0), CRECHE_E_TIMEOUT);
  last_error_says("task \"stuck\"");
  {
    /* It never finishes by itself: do it, as soon as it has begun. */
    char* text = dump_of(l, CRECHE_DUMP_JSON);
    const char* id = strstr(text, "\"parent\":\"");
    assert_non_null(id);
    id = strstr(text, "},\n{\"id\":\"");
    assert_non_null(id);
    {
      creche_task task;
      task.scope.id = strtoull(id + strlen("},\n{\"id\":\""), NULL, 16);
      while (creche_task_finish(task, CRECHE_OK, 0, NULL) == CRECHE_E_STATE) continue;
    }
    free(text);
  }
  OK(creche_loop_join(l, PATIENCE));
}

static void wrong_formats(void** state) {
  char text[64];
  size_t size = 7;
  (void)state;
  IS(creche_loop_dump(loop, 3, text, sizeof text, &size), CRECHE_E_UNSUPPORTED);
  last_error_says("CRECHE_DUMP_JSON");
  IS(creche_loop_dump(loop, CRECHE_DUMP_JSON, NULL, 1, &size), CRECHE_E_INVALID);
  assert_int_equal(size, 7);
  IS(creche_loop_dump(loop, CRECHE_DUMP_DOT, text, sizeof text, &size), CRECHE_E_LIMIT);
  assert_int_equal(strlen(text), sizeof text - 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_a_dump_says),        TEST(any_bytes_in_names), TEST(a_hundred_thousand_nodes),
      TEST(while_the_loop_is_stuck), TEST(wrong_formats),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
