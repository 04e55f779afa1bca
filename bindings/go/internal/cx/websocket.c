#include "inside.h"

cx_answer cx_websocket_send(uint64_t id, cx_tail tail, uint32_t kind, const void *data, size_t size)
{
  creche_websocket websocket = {id};
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_websocket_send(websocket, scope_of(tail.in), kind, data, size, &o, NULL, user_of(tail), &task),
                &task.scope.id);
}

cx_answer cx_websocket_receive(uint64_t id, cx_tail tail)
{
  creche_websocket websocket = {id};
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_websocket_receive(websocket, scope_of(tail.in), &o, NULL, user_of(tail), &task),
                &task.scope.id);
}

cx_answer cx_websocket_close(uint64_t id, cx_tail tail, uint32_t code, const char *reason)
{
  creche_websocket websocket = {id};
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_websocket_close(websocket, scope_of(tail.in), code, reason, &o, NULL, user_of(tail), &task),
                &task.scope.id);
}
