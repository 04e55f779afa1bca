/* What harvest is told to do. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harvest.h"

static void usage(FILE* to) {
  fputs(
      "usage: harvest [-f FILE] [-d DSN] [--table NAME] [--limit N] [--timeout S] [--deadline S]\n"
      "               [--batch N] [--max-body BYTES] [--ca FILE] [--per-host N] [--rate R]\n"
      "               [--retries N] [--proxy URL] [--cookies FILE] [--follow N] [--max-pages N]\n"
      "               [--tree SOCKET] [--queue NAME [--lease S]] [URL...]\n",
      to);
}

static void misused(const char* what, const char* argument) {
  fprintf(stderr, "harvest: %s%s%s\n", what, argument != NULL ? ": " : "",
          argument != NULL ? argument : "");
  usage(stderr);
  exit(64);
}

static double number(const char* text, double least, double most) {
  char* end = NULL;
  errno = 0;
  const double value = strtod(text, &end);
  if (end == text || *end != '\0' || errno != 0 || !(value >= least && value <= most))
    misused("not a number in range", text);
  return value;
}

static void read_urls(harvest* h, const char* path) {
  const int is_stdin = strcmp(path, "-") == 0;
  FILE* file = is_stdin ? stdin : fopen(path, "re");
  char* line = NULL;
  size_t room = 0;
  ssize_t size;
  if (file == NULL) misused(strerror(errno), path);
  while ((size = getline(&line, &room, file)) >= 0) {
    const char* from = line;
    while (size > 0 && strchr(" \t\r\n", line[size - 1]) != NULL && line[size - 1] != '\0') size--;
    for (; size > 0 && (*from == ' ' || *from == '\t'); size--) from++;
    /* A NUL is in no URL: let it fail as what it is, not as what stands before it. */
    for (char* at = line; (at = memchr(at, '\0', (size_t)(from + size - at))) != NULL;) *at = '\1';
    if (size > 0 && *from != '#') add_page(h, from, (size_t)size);
  }
  free(line);
  if (ferror(file)) misused("cannot be read", path);
  if (!is_stdin) fclose(file);
}

void read_arguments(harvest* h, int argc, char** argv) {
  static const struct option kOptions[] = {
      {"file", 1, NULL, 'f'},      {"dsn", 1, NULL, 'd'},     {"table", 1, NULL, 't'},
      {"limit", 1, NULL, 'l'},     {"timeout", 1, NULL, 's'}, {"deadline", 1, NULL, 'e'},
      {"batch", 1, NULL, 'b'},     {"ca", 1, NULL, 'c'},      {"max-body", 1, NULL, 'm'},
      {"per-host", 1, NULL, 'p'},  {"rate", 1, NULL, 'r'},    {"retries", 1, NULL, 'n'},
      {"proxy", 1, NULL, 'x'},     {"cookies", 1, NULL, 'k'}, {"follow", 1, NULL, 'o'},
      {"max-pages", 1, NULL, 'g'}, {"tree", 1, NULL, 'v'},    {"queue", 1, NULL, 'q'},
      {"lease", 1, NULL, 'a'},     {"help", 0, NULL, 'h'},    {NULL, 0, NULL, 0}};
  memset(h, 0, sizeof *h);
  h->dsn = getenv("DATABASE_URL");
  h->table = "harvest";
  h->limit = 50;
  h->batch_size = 100;
  h->timeout = 30 * CRECHE_SECOND;
  h->deadline = CRECHE_NEVER;
  h->max_body = UINT64_C(16) << 20;
  h->max_pages = 100000;
  h->queue.lease = 30 * CRECHE_SECOND;
  for (int option; (option = getopt_long(argc, argv, "f:d:h", kOptions, NULL)) != -1;) {
    if (option == 'f') read_urls(h, optarg);
    if (option == 'd') h->dsn = optarg;
    if (option == 't') h->table = optarg;
    if (option == 'c') h->ca_file = optarg;
    if (option == 'l') h->limit = (uint32_t)number(optarg, 1, 100000);
    if (option == 'b') h->batch_size = (uint32_t)number(optarg, 1, 100000);
    if (option == 'm') h->max_body = (uint64_t)number(optarg, 1, 1e12);
    if (option == 's') h->timeout = (int64_t)(number(optarg, 0.001, 1e6) * 1e9);
    if (option == 'e') h->deadline = (int64_t)(number(optarg, 0.001, 1e9) * 1e9);
    if (option == 'p') h->per_host = (uint32_t)number(optarg, 1, 100000);
    if (option == 'r') h->rate = number(optarg, 0.001, 1e6);
    if (option == 'n') h->retries = (uint32_t)number(optarg, 0, 100);
    if (option == 'x') h->proxy = optarg;
    if (option == 'k') h->cookie_file = optarg;
    if (option == 'v') h->tree = optarg;
    if (option == 'q') h->queue.name = optarg;
    if (option == 'a') h->queue.lease = (int64_t)(number(optarg, 1, 1e6) * 1e9);
    if (option == 'g') h->max_pages = (size_t)number(optarg, 1, 1e9);
    if (option == 'o') {
      h->follows = 1;
      h->follow = (uint32_t)number(optarg, 0, 1000);
    }
    if (option == 'h' || option == '?') {
      usage(option == 'h' ? stdout : stderr);
      exit(option == 'h' ? 0 : 64);
    }
  }
  for (; optind < argc; optind++) add_page(h, argv[optind], strlen(argv[optind]));
  if (h->count == 0 && h->queue.name == NULL) misused("no URLs", NULL);
  if (h->queue.name != NULL && (h->follows || *h->queue.name == '\0'))
    misused("--queue has a name, and goes without --follow", NULL);
  if (*h->table == '\0') misused("the table has no name", NULL);
}
