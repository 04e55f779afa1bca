#include "inside.h"
#include "_cgo_export.h"

#include <stdlib.h>
#include <string.h>

creche_header *unpack(const char *at, size_t n, creche_header few[FEW])
{
  creche_header *headers = n > FEW ? malloc(n * sizeof *headers) : few;
  size_t i;
  for (i = 0; headers != NULL && i < n; i++) {
    uint32_t size;
    memcpy(&size, at, sizeof size);
    headers[i].name = at + sizeof size;
    headers[i].value = headers[i].name + strlen(headers[i].name) + 1;
    headers[i].value_size = size;
    at = headers[i].value + size;
  }
  return headers;
}

void cx_watched(void *user, const creche_request_event *event)
{
  cxWatched((uint64_t)(uintptr_t)user, (creche_request_event *)event);
}

creche_status cx_opened(void *user, const creche_new_socket *socket)
{
  return cxOpened((uint64_t)(uintptr_t)user, socket->fd, (char *)(uintptr_t)socket->address);
}

void cx_token_asked(void *user, const creche_token_ask *ask)
{
  cxTokenAsked((uint64_t)(uintptr_t)user, ask->session.id, ask->id, (int32_t)ask->refused);
}

cx_answer cx_give_token(uint64_t session, uint64_t ask, int32_t status, const char *token)
{
  return answer(creche_session_give_token((creche_session){session}, ask, status, token), NULL);
}

void cx_turned(void *user, const creche_turn *turn)
{
  cxTurned((uint64_t)(uintptr_t)user, (creche_turn *)turn);
}

/* An empty value is none, but for an answer. */
cx_answer cx_decide(uint64_t session, uint64_t turn, creche_decision d, const char *headers, const void *body)
{
  creche_header few[FEW], *unpacked = unpack(headers, d.headers_count, few);
  size_t i;
  cx_answer a;
  if (unpacked == NULL) return no_memory();
  for (i = 0; i < d.headers_count && d.action != CRECHE_TURN_ANSWER; i++)
    if (unpacked[i].value_size == 0) unpacked[i].value = NULL;
  d.size = sizeof d;
  d.headers = unpacked;
  d.body = body;
  a = answer(creche_session_decide((creche_session){session}, turn, &d), NULL);
  if (unpacked != few) free(unpacked);
  return a;
}
