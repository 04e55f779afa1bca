/* What the tests of types share: values are shown exactly as the server itself prints them. */
#ifndef CAPI_PG_PRINTED_H
#define CAPI_PG_PRINTED_H

#include "pg_test.h"

static creche_pool pool;

/* The first column as the library shows it is the second, which the server has printed. */
static inline void compare(const answer* a, const char* sql) {
  if (a->status != CRECHE_OK) fail_msg("%s: %s", sql, creche_error_message(a->error));
  for (uint64_t row = 0; row < a->rows->row_count; row++) {
    static char shown[1 << 16];
    const size_t size = creche_row_format(a->rows, row, 0, shown, sizeof shown);
    const char* printed = creche_row_text(a->rows, row, 1, NULL);
    if (creche_row_is_null(a->rows, row, 0)) {
      assert_string_equal(printed ? printed : "", ""); /* which format() makes of it */
      continue;
    }
    assert_non_null(printed);
    if (strcmp(shown, printed) != 0 || size != strlen(printed))
      fail_msg("%s: shown as %s instead of %s", sql, shown, printed);
  }
}

/* The same each time: when nothing is known yet, when it is prepared, when it was. */
static inline void shown_as_printed(const char* sql) {
  for (int run_ = 0; run_ < 4; run_++) {
    answer a;
    run(pool, &a, sql);
    compare(&a, sql);
    answer_free(&a);
  }
}

/* `form` is an expression of x, which is each of the values. */
static inline void shown_in(const char* form, const char* const* values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char sql[900];
    snprintf(sql, sizeof sql, "select %s, format('%%s', %s) from (select %s) t(x)", form, form,
             values[i]);
    shown_as_printed(sql);
  }
}
static inline void shown_in_rows(const char* const* values, size_t count) {
  shown_in("row(x, null, x)", values, count);
  shown_in("array[row(x, 1), row(x, null)]", values, count);
}

#endif
