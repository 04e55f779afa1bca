/* robots.txt: the rules of RFC 9309 for one crawler. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harvest.h"

enum { kNobody = 0, kUs = 1, kAll = 2 };

typedef struct rule {
  char* pattern;
  int allow, whom;
} rule;

struct robots {
  rule* rules;
  size_t count;
  int whom; /* kUs: a group names us, so that those for all are not for us */
  double delay[3];
  text sitemaps;
};

static int is_space(char c) {
  return c == ' ' || c == '\t';
}
static int hex(char c) {
  const char* digits = "0123456789abcdef0123456789ABCDEF";
  const char* at = c != '\0' ? strchr(digits, c) : NULL;
  return at == NULL ? -1 : (int)((at - digits) % 16);
}

/* Paths and patterns are compared with what need not be encoded decoded, and all else encoded. In a
 * pattern * and $ mean something; in a path they are what patterns write as %2A and %24. */
static char* comparable(const char* bytes, size_t size, int pattern) {
  static const char kPlain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  text t = {NULL, 0, 0};
  text_add(&t, "", 0);
  for (size_t i = 0; i < size; i++) {
    char encoded[4];
    int c = (unsigned char)bytes[i];
    const int escape = c == '%' && i + 2 < size && hex(bytes[i + 1]) >= 0 && hex(bytes[i + 2]) >= 0;
    if (escape) {
      c = hex(bytes[i + 1]) * 16 + hex(bytes[i + 2]);
      i += 2;
    }
    const int special = !pattern && (c == '*' || c == '$');
    if (c != '\0' && c < 0x80 && (escape ? strchr(kPlain, c) != NULL : c > 0x20 && !special)) {
      const char plain = (char)c;
      text_add(&t, &plain, 1);
    } else {
      text_add(&t, encoded,
               (size_t)snprintf(encoded, sizeof encoded, "%%%02X", (unsigned)c & 0xff));
    }
  }
  return t.data;
}

static int matches(const char* pattern, const char* path) {
  const char *star = NULL, *from = NULL; /* what is behind the last *, and what it is tried on */
  for (;;) {
    if (*pattern == '\0') return 1;
    if (*pattern == '*') {
      star = ++pattern;
      from = path;
    } else if (*pattern == '$' && pattern[1] == '\0' && *path == '\0') {
      return 1;
    } else if (*path != '\0' && *pattern == *path) {
      pattern++;
      path++;
    } else if (star != NULL && *from != '\0') {
      pattern = star;
      path = ++from;
    } else {
      return 0;
    }
  }
}

/* Whom a line User-agent is about: a name may have more behind it ("name/1.0"). */
static int who_is(const char* value, size_t size, const char* agent) {
  const size_t length = strlen(agent);
  if (size == 1 && *value == '*') return kAll;
  if (size < length || find_word(value, value + length, agent) == NULL) return kNobody;
  const char after = size > length ? value[length] : '/';
  const int goes_on = (after >= 'a' && after <= 'z') || (after >= 'A' && after <= 'Z') ||
                      after == '-' || after == '_';
  return goes_on ? kNobody : kUs;
}

static void add_rule(robots* r, const char* value, size_t size, int allow, int whom) {
  if (whom == kNobody || size == 0) return; /* an empty one says nothing */
  if ((r->count & (r->count - 1)) == 0)
    r->rules = must(realloc(r->rules, (r->count == 0 ? 1 : 2 * r->count) * sizeof *r->rules));
  r->rules[r->count++] = (rule){comparable(value, size, 1), allow, whom};
}

robots* robots_read(const char* body, size_t size, const char* agent) {
  robots* r = must(calloc(1, sizeof *r));
  const char* end = body + size;
  int whom = kNobody, in_names = 0;
  r->whom = kAll;
  if (size >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0) body += 3;
  while (body < end) {
    const char* line = body;
    while (body < end && *body != '\r' && *body != '\n') body++;
    const char* stop = memchr(line, '#', (size_t)(body - line));
    if (stop == NULL) stop = body;
    if (body < end) body++;
    while (line < stop && is_space(*line)) line++;
    const char* colon = memchr(line, ':', (size_t)(stop - line));
    if (colon == NULL) continue;
    const char *value = colon + 1, *name_end = colon;
    while (name_end > line && is_space(name_end[-1])) name_end--;
    while (value < stop && is_space(*value)) value++;
    while (stop > value && is_space(stop[-1])) stop--;
    const size_t length = (size_t)(stop - value);
#define NAMED(word) \
  ((size_t)(name_end - line) == sizeof(word) - 1 && find_word(line, name_end, word) == line)
    if (NAMED("user-agent")) { /* those in a row are of one group */
      if (!in_names) whom = kNobody;
      in_names = 1;
      whom |= who_is(value, length, agent);
      r->whom = whom & kUs ? kUs : r->whom;
    } else if (NAMED("allow") || NAMED("disallow")) {
      in_names = 0;
      add_rule(r, value, length, NAMED("allow"), whom);
    } else if (NAMED("crawl-delay")) {
      char number[32] = "";
      in_names = 0;
      memcpy(number, value, length < sizeof number - 1 ? length : sizeof number - 1);
      if (whom & kUs) r->delay[kUs] = strtod(number, NULL);
      if (whom & kAll) r->delay[kAll] = strtod(number, NULL);
    } else if (NAMED("sitemap")) { /* of no group */
      text_add(&r->sitemaps, value, length);
      text_add(&r->sitemaps, "\n", 1);
    }
#undef NAMED
  }
  return r;
}

/* The longest pattern counts; of two, the one that allows. */
int robots_allow(const robots* r, const char* target) {
  char* path = comparable(target, strlen(target), 0);
  size_t longest = 0;
  int allow = 1;
  for (size_t i = 0; i < r->count; i++) {
    const rule* each = &r->rules[i];
    const size_t size = strlen(each->pattern);
    if ((each->whom & r->whom) == 0 || size < longest || !matches(each->pattern, path)) continue;
    allow = each->allow || (size == longest && allow);
    longest = size;
  }
  free(path);
  return allow;
}

int64_t robots_delay(const robots* r) {
  static const double kMost = 60; /* who wants more has other means */
  const double delay = r->delay[r->whom];
  return delay > 0 ? (int64_t)((delay < kMost ? delay : kMost) * 1e9) : 0;
}

const char* robots_sitemaps(const robots* r) {
  return r->sitemaps.data;
}

void robots_free(robots* r) {
  if (r == NULL) return;
  for (size_t i = 0; i < r->count; i++) free(r->rules[i].pattern);
  free(r->rules);
  text_clear(&r->sitemaps);
  free(r);
}
