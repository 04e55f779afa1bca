/* A hash table of texts: open addressing, never more than half full. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harvest.h"

struct entry {
  const char* key; /* NULL: free */
  void* value;
};

static struct entry* place_of(const table* t, const char* key) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (const char* c = key; *c != '\0'; c++)
    hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
  size_t at = (size_t)hash & (t->capacity - 1);
  while (t->entries[at].key != NULL && strcmp(t->entries[at].key, key) != 0)
    at = (at + 1) & (t->capacity - 1);
  return &t->entries[at];
}

void* table_find(const table* t, const char* key) {
  return t->capacity == 0 ? NULL : place_of(t, key)->value;
}

void table_put(table* t, const char* key, void* value) {
  if (2 * (t->count + 1) > t->capacity) {
    const table old = *t;
    t->capacity = old.capacity == 0 ? 64 : 2 * old.capacity;
    t->entries = must(calloc(t->capacity, sizeof *t->entries));
    for (size_t i = 0; i < old.capacity; i++)
      if (old.entries[i].key != NULL) *place_of(t, old.entries[i].key) = old.entries[i];
    free(old.entries);
  }
  *place_of(t, key) = (struct entry){key, value};
  t->count++;
}

void* table_next(const table* t, size_t* at) {
  while (*at < t->capacity)
    if (t->entries[(*at)++].key != NULL) return t->entries[*at - 1].value;
  return NULL;
}

void table_clear(table* t) {
  free(t->entries);
  memset(t, 0, sizeof *t);
}
