/* Rows that are asked for: their bytes are given in pieces that end anywhere in a row. */
#ifndef CAPI_PG_PIECES_H
#define CAPI_PG_PIECES_H

#include "pg_test.h"

typedef struct pieces {
  char* bytes; /* not given yet */
  size_t size;
} pieces;

/* For creche_values_to_rows. */
static inline int32_t keep(const char* bytes, size_t size, void* user) {
  pieces* p = user;
  p->bytes = realloc(p->bytes, p->size + size);
  memcpy(p->bytes + p->size, bytes, size);
  p->size += size;
  return 0;
}

/* All but a few bytes, unless it is the last. */
static inline creche_status give(pieces* p, creche_task task, int last) {
  const size_t size = last ? p->size : p->size - p->size % 5;
  const creche_status given =
      creche_task_answer(task, CRECHE_OK, p->bytes, size, last ? 0 : CRECHE_MORE, NULL);
  if (p->size > size) memmove(p->bytes, p->bytes + size, p->size - size);
  p->size -= size;
  return given;
}

#endif
