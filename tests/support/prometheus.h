/* A strict reader of the text format of Prometheus (0.0.4): each line is right, each family has one
 * HELP and one TYPE line before its samples, which stand together, no series comes twice,
 * histograms are whole and their buckets grow. What is wrong is said. Header only. */
#ifndef SUPPORT_PROMETHEUS_H
#define SUPPORT_PROMETHEUS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct prometheus_sample {
  char name[96];    /* with _bucket, _sum, _count */
  char labels[512]; /* as they stand, without le: a="b",c="d" */
  char le[40];
  double value;
} prometheus_sample;

typedef struct prometheus {
  prometheus_sample* samples;
  size_t count, families, histograms;
  char error[256]; /* "" if all is well */
} prometheus;

static inline int prometheus_fails(prometheus* p, const char* what, const char* line) {
  snprintf(p->error, sizeof p->error, "%s: %.150s", what, line);
  return -1;
}

static inline size_t prometheus_name(const char* at) {
  size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");
  return *at >= '0' && *at <= '9' ? 0 : n;
}

/* The labels between braces; returns where they end, or NULL. */
static inline const char* prometheus_labels(const char* at, prometheus_sample* s) {
  char names[8][64];
  size_t n = 0, out = 0;
  while (*at != '}') {
    const size_t size = prometheus_name(at);
    const char* begin = at;
    if (size == 0 || size >= 64 || n == 8 || strncmp(at + size, "=\"", 2) != 0) return NULL;
    memcpy(names[n], at, size);
    names[n][size] = '\0';
    for (size_t i = 0; i < n; i++)
      if (strcmp(names[i], names[n]) == 0) return NULL; /* twice */
    at += size + 2;
    const char* value = at;
    for (; *at != '"'; at++) {
      if (*at == '\0' || *at == '\n') return NULL;
      if (*at == '\\' && strchr("\\\"n", *++at) == NULL) return NULL;
    }
    if (strcmp(names[n++], "le") == 0) {
      if ((size_t)(at - value) >= sizeof s->le) return NULL;
      memcpy(s->le, value, (size_t)(at - value));
      s->le[at - value] = '\0';
    } else {
      const size_t whole = (size_t)(at + 1 - begin);
      if (out + whole + 2 >= sizeof s->labels) return NULL;
      if (out > 0) s->labels[out++] = ',';
      memcpy(s->labels + out, begin, whole);
      out += whole;
    }
    at++;
    if (*at == ',' && at[1] != '}')
      at++;
    else if (*at != '}')
      return NULL;
  }
  s->labels[out] = '\0';
  return at + 1;
}

static inline double prometheus_number(const char* text, char** end) {
  *end = (char*)text;
  if (strncmp(text, "+Inf", 4) == 0) return *end += 4, HUGE_VAL;
  const size_t size = strspn(text, "0123456789.eE+-");
  if (size == 0 || text[0] == '+' || text[0] == '.' || text[size - 1] == '.') return 0;
  const double value = strtod(text, end);
  if (*end != text + size) *end = (char*)text;
  return value;
}

/* One whole histogram: samples of the same labels, from `i` on; returns where the next begins. */
static inline size_t prometheus_histogram(prometheus* p, size_t i, const char* family) {
  const char* const labels = p->samples[i].labels;
  const size_t n = strlen(family);
  double le = -1, count = 0;
  int inf = 0;
  for (; i < p->count; i++) {
    const prometheus_sample* s = &p->samples[i];
    char* end;
    if (strcmp(s->name + n, "_bucket") != 0) break;
    const double bound = prometheus_number(s->le, &end);
    if (s->le[0] == '\0' || *end != '\0' || strcmp(s->labels, labels) != 0 || bound <= le ||
        s->value < count)
      return prometheus_fails(p, "a bucket", s->labels), 0;
    le = bound;
    count = s->value;
    inf = bound == HUGE_VAL;
  }
  if (!inf || i + 2 > p->count || strcmp(p->samples[i].name + n, "_sum") != 0 ||
      strcmp(p->samples[i + 1].name + n, "_count") != 0 ||
      strcmp(p->samples[i].labels, labels) != 0 || strcmp(p->samples[i + 1].labels, labels) != 0 ||
      p->samples[i + 1].value != count)
    return prometheus_fails(p, "a histogram is not whole", labels), 0;
  p->histograms++;
  return i + 2;
}

/* 0, or -1 with p->error. */
static inline int prometheus_read(prometheus* p, const char* text) {
  char family[96] = "", type[16] = "";
  char(*seen)[96] = NULL;
  int typed = 0;
  size_t begun = 0;
  memset(p, 0, sizeof *p);
  while (p->error[0] == '\0') {
    const char* end = strchr(text, '\n');
    if (*text == '\0' || strncmp(text, "# HELP ", 7) == 0) { /* a family ends here */
      if (family[0] != '\0' && p->count == begun) prometheus_fails(p, "no samples", family);
      if (strcmp(type, "histogram") == 0)
        for (size_t i = begun; p->error[0] == '\0' && i < p->count;)
          i = prometheus_histogram(p, i, family);
      for (size_t i = begun; i < p->count; i++)
        for (size_t j = begun; j < i; j++)
          if (strcmp(p->samples[i].name, p->samples[j].name) == 0 &&
              strcmp(p->samples[i].labels, p->samples[j].labels) == 0 &&
              strcmp(p->samples[i].le, p->samples[j].le) == 0)
            prometheus_fails(p, "a series comes twice", text);
      if (*text == '\0' || p->error[0] != '\0') break;
      const size_t size = prometheus_name(text + 7);
      if (end == NULL || size == 0 || size >= sizeof family || text[7 + size] != ' ' ||
          end == text + 8 + size) {
        prometheus_fails(p, "HELP", text);
        break;
      }
      memcpy(family, text + 7, size);
      family[size] = '\0';
      for (size_t i = 0; i < p->families; i++)
        if (strcmp(seen[i], family) == 0) prometheus_fails(p, "a family comes twice", family);
      seen = realloc(seen, (p->families + 1) * sizeof *seen);
      memcpy(seen[p->families++], family, sizeof family);
      type[0] = '\0';
      typed = 0;
      begun = p->count;
    } else if (end == NULL) {
      prometheus_fails(p, "the last line does not end", text);
    } else if (strncmp(text, "# TYPE ", 7) == 0) {
      char name[96];
      if (sscanf(text, "# TYPE %95s %15[a-z]", name, type) != 2 || strcmp(name, family) != 0 ||
          typed++ || p->count != begun || strlen(name) + strlen(type) + 8 != (size_t)(end - text) ||
          (strcmp(type, "counter") != 0 && strcmp(type, "gauge") != 0 &&
           strcmp(type, "histogram") != 0))
        prometheus_fails(p, "TYPE", text);
      const size_t n = strlen(family);
      const int total = n > 6 && strcmp(family + n - 6, "_total") == 0;
      if (total != (strcmp(type, "counter") == 0)) prometheus_fails(p, "_total", text);
    } else {
      prometheus_sample s;
      memset(&s, 0, sizeof s);
      const size_t size = prometheus_name(text), n = strlen(family);
      char* after = (char*)text;
      if (!typed || size == 0 || size >= sizeof s.name || strncmp(text, family, n) != 0 ||
          (strcmp(type, "histogram") != 0 && size != n)) {
        prometheus_fails(p, "a sample of no family", text);
        break;
      }
      memcpy(s.name, text, size);
      const char* at = text + size;
      if (*at == '{') at = prometheus_labels(at + 1, &s);
      if (at != NULL && *at == ' ') s.value = prometheus_number(at + 1, &after);
      if (at == NULL || after == at + 1 || after != end) {
        prometheus_fails(p, "a sample", text);
        break;
      }
      p->samples = realloc(p->samples, (p->count + 1) * sizeof *p->samples);
      p->samples[p->count++] = s;
    }
    text = end + 1;
  }
  free(seen);
  return p->error[0] == '\0' ? 0 : -1;
}

/* The value of a series, or NAN. le: NULL for none. */
static inline double prometheus_value(const prometheus* p, const char* name, const char* labels,
                                      const char* le) {
  for (size_t i = 0; i < p->count; i++)
    if (strcmp(p->samples[i].name, name) == 0 && strcmp(p->samples[i].labels, labels) == 0 &&
        strcmp(p->samples[i].le, le != NULL ? le : "") == 0)
      return p->samples[i].value;
  return NAN;
}

static inline void prometheus_free(prometheus* p) {
  free(p->samples);
  p->samples = NULL;
}

#endif
