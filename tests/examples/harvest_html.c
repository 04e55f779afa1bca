/* Tags of HTML, as its standard cuts them: attributes with and without quotes, comments, and
 * elements whose content is no markup. No more than that: which of them makes sense where is not
 * looked at. */
#include <stdlib.h>
#include <string.h>

#include "harvest.h"

static int is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}
static int is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static const char* skip_spaces(const char* at, const char* end) {
  while (at < end && is_space(*at)) at++;
  return at;
}
static int same(const char* from, const char* to, const char* word) {
  return (size_t)(to - from) == strlen(word) && find_word(from, to, word) == from;
}
static const char* name_end(const char* at, const char* end) {
  while (at < end && !is_space(*at) && *at != '/' && *at != '>') at++;
  return at;
}

typedef struct attribute {
  const char *name, *name_end, *value, *value_end;
} attribute;

/* The next one, from *at on; 0: there is none, and *at is where the tag ends. */
static int next_attribute(const char** at, const char* end, attribute* a) {
  const char* p = *at;
  while (p < end && (is_space(*p) || *p == '/')) p++;
  a->name = *at = p;
  if (p == end || *p == '>') return 0;
  if (*p == '=') p++; /* the standard has it in the name */
  while (p < end && !is_space(*p) && *p != '/' && *p != '>' && *p != '=') p++;
  a->name_end = a->value = a->value_end = p;
  const char* sign = skip_spaces(p, end);
  if (sign < end && *sign == '=') {
    p = skip_spaces(sign + 1, end);
    if (p < end && (*p == '"' || *p == '\'')) {
      a->value = p + 1;
      a->value_end = memchr(p + 1, *p, (size_t)(end - p - 1));
      if (a->value_end == NULL) a->value_end = end;
      p = a->value_end < end ? a->value_end + 1 : end;
    } else {
      a->value = p;
      while (p < end && !is_space(*p) && *p != '>') p++;
      a->value_end = p;
    }
  }
  *at = p;
  return 1;
}

/* Behind "<!", "<?" and "</" and what belongs to it. */
static const char* pass_over(const char* at, const char* end) {
  if (end - at >= 4 && memcmp(at, "<!--", 4) == 0) {
    if (end - at >= 5 && at[4] == '>') return at + 5;
    for (at += 2; end - at >= 3; at++) { /* "<!--->" is whole */
      if (memcmp(at, "-->", 3) == 0) return at + 3;
      if (end - at >= 4 && memcmp(at, "--!>", 4) == 0) return at + 4;
    }
    return end;
  }
  attribute a;
  if (at[1] == '/' && end - at >= 3 && is_letter(at[2])) {
    at = name_end(at, end); /* which ends at its slash */
    while (next_attribute(&at, end, &a)) continue;
  } else {
    at = memchr(at, '>', (size_t)(end - at));
    if (at == NULL) return end;
  }
  return at < end ? at + 1 : end;
}

/* The end tag that ends a text without markup. */
static const char* end_of_text(const char* at, const char* end, const char* name, size_t size) {
  while ((at = memchr(at, '<', (size_t)(end - at))) != NULL) {
    char word[16];
    memcpy(word, name, size);
    word[size] = '\0';
    for (size_t i = 0; i < size; i++) word[i] = (char)(word[i] | 0x20);
    if (end - at > 2 && at[1] == '/' && same(at + 2, name_end(at + 2, end), word)) return at;
    at++;
  }
  return end;
}

int html_next_tag(const char** at, const char* end, tag* t) {
  static const char* const kTexts[] = {"script", "style",    "title",   "textarea",
                                       "iframe", "noframes", "noembed", "xmp"};
  attribute a;
  for (const char* p = *at; (p = memchr(p, '<', (size_t)(end - p))) != NULL && end - p >= 2;) {
    if (p[1] == '!' || p[1] == '?' || p[1] == '/') {
      p = pass_over(p, end);
      continue;
    }
    if (!is_letter(*++p)) continue;
    t->name = p;
    t->attributes = p = name_end(p, end);
    while (next_attribute(&p, end, &a)) continue;
    if (p == end) break;
    t->end = p++;
    t->text = t->text_end = p;
    for (size_t i = 0; i < sizeof kTexts / sizeof *kTexts; i++)
      if (tag_is(t, kTexts[i]))
        t->text_end = end_of_text(p, end, t->name, (size_t)(t->attributes - t->name));
    *at = t->text_end;
    return 1;
  }
  *at = end;
  return 0;
}

int tag_is(const tag* t, const char* name) {
  return same(t->name, t->attributes, name);
}

/* The first of that name is what it says. */
char* tag_attribute(const tag* t, const char* name, int latin1) {
  attribute a;
  for (const char* at = t->attributes; next_attribute(&at, t->end, &a);) {
    if (!same(a.name, a.name_end, name)) continue;
    text value = {NULL, 0, 0};
    text_add_markup(&value, a.value, a.value_end, latin1);
    return value.data;
  }
  return NULL;
}

static int mentions(const char* text, const char* word) {
  return find_word(text, text + strlen(text), word) != NULL;
}
int is_html(const char* content_type) {
  return mentions(content_type, "html");
}
int is_latin1(const char* content_type) {
  return mentions(content_type, "iso-8859-1") || mentions(content_type, "windows-1252");
}

char* html_title(const char* body, size_t size, const char* content_type) {
  static const size_t kHead = 1 << 18; /* a title further down is no title */
  const char* end = body + (size < kHead ? size : kHead);
  tag t;
  if (!is_html(content_type)) return NULL;
  do
    if (!html_next_tag(&body, end, &t)) return NULL;
  while (!tag_is(&t, "title"));
  if (t.text_end == end) return NULL;
  text decoded = {NULL, 0, 0};
  text_add_markup(&decoded, t.text, t.text_end, is_latin1(content_type));
  char* title = clean_text(decoded.data, decoded.size, 300, 0);
  text_clear(&decoded);
  return title;
}
