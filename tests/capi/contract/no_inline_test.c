/* The functions whose bodies stand in the headers, as languages see them that cannot compile these:
 * exported by the library under the same names. tests/abi/check.py sees that none is missing here.
 */
#define CRECHE_NO_INLINE
#include <creche/creche.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void is(creche_value v, uint32_t type, uint32_t form, const void* data, size_t size) {
  assert_int_equal(v.type, type);
  assert_int_equal(v.form, form);
  assert_ptr_equal(v.data, data);
  assert_int_equal(v.size, size);
  if (form != CRECHE_VALUE_INTEGER) assert_int_equal(v.integer, 0);
  if (form != CRECHE_VALUE_REAL) assert_true(v.real == 0);
}

static void is_integer(creche_value v, uint32_t type, int64_t integer) {
  is(v, type, CRECHE_VALUE_INTEGER, NULL, 0);
  assert_int_equal(v.integer, integer);
}

static void values(void** state) {
  static const char text[] = "caf\xc3\xa9";
  (void)state;
  is(creche_value_of(CRECHE_PG_JSONB, CRECHE_VALUE_TEXT, text, 3), CRECHE_PG_JSONB,
     CRECHE_VALUE_TEXT, text, 3);
  is(creche_null(), CRECHE_PG_UNKNOWN, CRECHE_VALUE_NULL, NULL, 0);
  is(creche_text(text), CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, text, 5);
  is(creche_text(""), CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, "", 0);
  is(creche_text(NULL), CRECHE_PG_UNKNOWN, CRECHE_VALUE_NULL, NULL, 0);
  is(creche_text_n(text, 2), CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, text, 2);
  is(creche_text_n(NULL, 2), CRECHE_PG_UNKNOWN, CRECHE_VALUE_NULL, NULL, 0);
  is(creche_bytes(text, sizeof text), CRECHE_PG_BYTEA, CRECHE_VALUE_BINARY, text, sizeof text);
  is(creche_bytes(NULL, 0), CRECHE_PG_BYTEA, CRECHE_VALUE_BINARY, NULL, 0);
  is_integer(creche_integer_of(CRECHE_PG_DATE, -1), CRECHE_PG_DATE, -1);
  is_integer(creche_bool(0), CRECHE_PG_BOOL, 0);
  is_integer(creche_bool(-7), CRECHE_PG_BOOL, 1);
  is_integer(creche_int2(INT16_MIN), CRECHE_PG_INT2, INT16_MIN);
  is_integer(creche_int4(INT32_MIN), CRECHE_PG_INT4, INT32_MIN);
  is_integer(creche_int8(INT64_MIN), CRECHE_PG_INT8, INT64_MIN);
  is_integer(creche_timestamptz(INT64_MAX), CRECHE_PG_TIMESTAMPTZ, INT64_MAX);
  const creche_value real = creche_float8(-2.5);
  is(real, CRECHE_PG_FLOAT8, CRECHE_VALUE_REAL, NULL, 0);
  assert_true(real.real == -2.5);
}

static void names_with_values(void** state) {
  static const char name[] = "name", value[] = "value";
  (void)state;
  const creche_header header = creche_header_text(name, value);
  assert_ptr_equal(header.name, name);
  assert_ptr_equal(header.value, value);
  assert_int_equal(header.value_size, 5);
  assert_int_equal(creche_header_text(name, NULL).value_size, 0);
  const creche_param param = creche_param_text(name, value);
  assert_ptr_equal(param.name, name);
  assert_ptr_equal(param.value, value);
  assert_int_equal(param.value_size, 5);
  assert_null(creche_param_text(name, NULL).value);
  const creche_part part = creche_part_text(name, value);
  assert_ptr_equal(part.name, name);
  assert_ptr_equal(part.value, value);
  assert_int_equal(part.value_size, 5);
  assert_null(part.file);
  assert_null(part.filename);
  assert_null(part.type);
  assert_int_equal(creche_part_text(name, NULL).value_size, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values),
      cmocka_unit_test(names_with_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
