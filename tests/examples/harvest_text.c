/* Bytes of the network made into text that a database and a terminal can take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harvest.h"

void die(const char* what) {
  fprintf(stderr, "harvest: %s\n", what);
  exit(70);
}

void* must(void* memory) {
  if (memory == NULL) die("no memory");
  return memory;
}

void text_add(text* t, const char* bytes, size_t size) {
  if (t->size + size + 1 > t->capacity) {
    t->capacity = (t->size + size + 1) * 2;
    t->data = must(realloc(t->data, t->capacity));
  }
  memcpy(t->data + t->size, bytes, size);
  t->size += size;
  t->data[t->size] = '\0';
}

void text_clear(text* t) {
  free(t->data);
  memset(t, 0, sizeof *t);
}

/* ---- UTF-8 ---- */

/* The code point that bytes start with, its length in *length; -1 with length 1 if it is none. */
static int32_t decode(const unsigned char* bytes, size_t size, size_t* length) {
  static const int32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t n = 1;
  int32_t point = bytes[0];
  *length = 1;
  if (bytes[0] < 0x80) return point;
  if ((bytes[0] & 0xe0) == 0xc0) {
    n = 2;
    point = bytes[0] & 0x1f;
  } else if ((bytes[0] & 0xf0) == 0xe0) {
    n = 3;
    point = bytes[0] & 0x0f;
  } else if ((bytes[0] & 0xf8) == 0xf0) {
    n = 4;
    point = bytes[0] & 0x07;
  } else {
    return -1;
  }
  if (n > size) return -1;
  for (size_t i = 1; i < n; i++) {
    if ((bytes[i] & 0xc0) != 0x80) return -1;
    point = point << 6 | (bytes[i] & 0x3f);
  }
  if (point < kSmallest[n] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return -1;
  *length = n;
  return point;
}

static void add_point(text* out, int32_t point) {
  char bytes[4];
  size_t n = 0;
  if (point < 0x80) {
    bytes[n++] = (char)point;
  } else if (point < 0x800) {
    bytes[n++] = (char)(0xc0 | point >> 6);
  } else if (point < 0x10000) {
    bytes[n++] = (char)(0xe0 | point >> 12);
    bytes[n++] = (char)(0x80 | (point >> 6 & 0x3f));
  } else {
    bytes[n++] = (char)(0xf0 | point >> 18);
    bytes[n++] = (char)(0x80 | (point >> 12 & 0x3f));
    bytes[n++] = (char)(0x80 | (point >> 6 & 0x3f));
  }
  if (point >= 0x80) bytes[n++] = (char)(0x80 | (point & 0x3f));
  text_add(out, bytes, n);
}

/* Escape sequences must reach no terminal: controls count as white space. */
static int is_space(int32_t point) {
  return point <= 0x20 || (point >= 0x7f && point <= 0xa0) || point == 0x2028 || point == 0x2029;
}

char* clean_text(const char* bytes, size_t size, size_t longest, int latin1) {
  text out = {NULL, 0, 0};
  int space = 0;
  text_add(&out, "", 0);
  for (size_t i = 0, length = 1; i < size; i += length) {
    int32_t point = latin1 ? (unsigned char)bytes[i]
                           : decode((const unsigned char*)bytes + i, size - i, &length);
    if (point < 0) point = 0xfffd;
    if (is_space(point)) {
      space = out.size > 0;
      continue;
    }
    if (out.size + (space ? 1 : 0) + 4 > longest) break;
    if (space) text_add(&out, " ", 1);
    space = 0;
    add_point(&out, point);
  }
  return out.data;
}

/* ---- Markup ---- */

static int lower(int c) {
  return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

const char* find_word(const char* from, const char* end, const char* word) {
  const size_t size = strlen(word);
  for (; (size_t)(end - from) >= size; from++) {
    size_t i = 0;
    while (i < size && lower((unsigned char)from[i]) == word[i]) i++;
    if (i == size) return from;
  }
  return NULL;
}

/* The character that "&name;" stands for, its size in *length; -1 if that is not one we know. */
static int32_t reference(const char* from, const char* end, size_t* length) {
  static const struct {
    const char* name;
    int32_t point;
  } kNames[] = {{"&amp;", '&'},      {"&lt;", '<'},       {"&gt;", '>'},        {"&quot;", '"'},
                {"&apos;", '\''},    {"&nbsp;", ' '},     {"&copy;", 0xa9},     {"&reg;", 0xae},
                {"&ndash;", 0x2013}, {"&mdash;", 0x2014}, {"&hellip;", 0x2026}, {"&middot;", 0xb7}};
  for (size_t i = 0; i < sizeof kNames / sizeof *kNames; i++) {
    *length = strlen(kNames[i].name);
    if ((size_t)(end - from) >= *length && memcmp(from, kNames[i].name, *length) == 0)
      return kNames[i].point;
  }
  if (end - from < 4 || from[1] != '#') return -1;
  const int hex = lower((unsigned char)from[2]) == 'x';
  const char* at = from + 2 + hex;
  int32_t point = 0;
  for (; at < end && point <= 0x10ffff; at++) {
    const int c = lower((unsigned char)*at);
    if (c >= '0' && c <= '9')
      point = point * (hex ? 16 : 10) + (c - '0');
    else if (hex && c >= 'a' && c <= 'f')
      point = point * 16 + (c - 'a' + 10);
    else
      break;
  }
  if (at == end || *at != ';' || point == 0 || point > 0x10ffff ||
      (point >= 0xd800 && point < 0xe000))
    return -1;
  *length = (size_t)(at + 1 - from);
  return point;
}

void text_add_markup(text* t, const char* from, const char* to, int latin1) {
  text_add(t, "", 0);
  while (from < to) {
    size_t length = 1;
    const int32_t point = *from == '&' ? reference(from, to, &length) : -1;
    if (point < 0) length = 1;
    if (point >= 0)
      add_point(t, point);
    else if (latin1)
      add_point(t, (unsigned char)*from);
    else
      text_add(t, from, 1);
    from += length;
  }
}

/* ---- SQL ---- */

static void separate(text* array) {
  text_add(array, array->size == 0 ? "{" : ",", 1);
}

void array_add(text* array, const char* element) {
  separate(array);
  if (element == NULL) {
    text_add(array, "NULL", 4);
    return;
  }
  text_add(array, "\"", 1);
  while (*element != '\0') {
    const size_t plain = strcspn(element, "\"\\");
    text_add(array, element, plain);
    element += plain;
    if (*element != '\0') {
      text_add(array, "\\", 1);
      text_add(array, element++, 1);
    }
  }
  text_add(array, "\"", 1);
}

void array_add_number(text* array, double number, int decimals) {
  char digits[64];
  separate(array);
  text_add(array, digits, (size_t)snprintf(digits, sizeof digits, "%.*f", decimals, number));
}

void array_end(text* array) {
  text_add(array, array->size == 0 ? "{}" : "}", array->size == 0 ? 2 : 1);
}

char* quoted_name(const char* name) {
  text quoted = {NULL, 0, 0};
  text_add(&quoted, "\"", 1);
  for (; *name != '\0'; name++) {
    if (*name == '.')
      text_add(&quoted, "\".\"", 3);
    else if (*name == '"')
      text_add(&quoted, "\"\"", 2);
    else
      text_add(&quoted, name, 1);
  }
  text_add(&quoted, "\"", 1);
  return quoted.data;
}
