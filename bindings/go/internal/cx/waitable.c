#include "inside.h"

/* ---- Limiters ---- */
cx_answer cx_limiter_open(uint64_t id, creche_limiter_options o, const char *name)
{
  creche_loop loop = {{id}};
  creche_limiter limiter = {0};
  o.name = name;
  return answer(creche_limiter_open(loop, &o, &limiter), &limiter.id);
}

cx_answer cx_limiter_acquire(uint64_t id, cx_tail tail, uint64_t borrower)
{
  creche_limiter limiter = {id};
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_limiter_acquire(limiter, scope_of(tail.in), borrower, &o, NULL, user_of(tail), &task),
                &task.scope.id);
}

cx_answer cx_limiter_try(uint64_t id, uint64_t in, uint64_t borrower)
{
  creche_limiter limiter = {id};
  creche_token token = {0};
  return answer(creche_limiter_try(limiter, scope_of(in), borrower, &token), &token.id);
}

cx_answer cx_limiter_set_total(uint64_t id, uint32_t total)
{
  creche_limiter limiter = {id};
  return answer(creche_limiter_set_total(limiter, total), NULL);
}

cx_answer cx_limiter_state(uint64_t id, creche_limiter_state *state)
{
  creche_limiter limiter = {id};
  return answer(creche_limiter_get_state(limiter, state, sizeof *state), NULL);
}

cx_answer cx_token_move(uint64_t id, uint64_t to)
{
  creche_token token = {id};
  return answer(creche_token_move(token, scope_of(to)), NULL);
}

/* ---- Rate limiters ---- */
cx_answer cx_rate_open(uint64_t id, creche_rate_options o, const char *name)
{
  creche_loop loop = {{id}};
  creche_rate rate = {0};
  o.name = name;
  return answer(creche_rate_open(loop, &o, &rate), &rate.id);
}

cx_answer cx_rate_acquire(uint64_t id, cx_tail tail, uint32_t permits)
{
  creche_rate rate = {id};
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_rate_acquire(rate, scope_of(tail.in), permits, &o, NULL, user_of(tail), &task),
                &task.scope.id);
}

cx_answer cx_rate_try(uint64_t id, uint32_t permits)
{
  creche_rate rate = {id};
  return answer(creche_rate_try(rate, permits), NULL);
}

cx_answer cx_rate_pause(uint64_t id, int64_t until)
{
  creche_rate rate = {id};
  return answer(creche_rate_pause(rate, until), NULL);
}

cx_answer cx_rate_resume(uint64_t id)
{
  creche_rate rate = {id};
  return answer(creche_rate_resume(rate), NULL);
}

cx_answer cx_rate_state(uint64_t id, creche_rate_state *state)
{
  creche_rate rate = {id};
  return answer(creche_rate_get_state(rate, state, sizeof *state), NULL);
}

/* ---- Events ---- */
cx_answer cx_event_open(uint64_t id, creche_event_options o, const char *name)
{
  creche_loop loop = {{id}};
  creche_event event = {0};
  o.name = name;
  return answer(creche_event_open(loop, &o, &event), &event.id);
}

cx_answer cx_event_wait(uint64_t id, cx_tail tail)
{
  creche_event event = {id};
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_event_wait(event, scope_of(tail.in), &o, NULL, user_of(tail), &task), &task.scope.id);
}

cx_answer cx_event_set(uint64_t id)
{
  creche_event event = {id};
  return answer(creche_event_set(event), NULL);
}

/* ---- Channels ---- */
cx_answer cx_channel_open(uint64_t id, creche_channel_options o, const char *name, uint64_t *receiver)
{
  creche_loop loop = {{id}};
  creche_sender in = {0};
  creche_receiver out = {0};
  cx_answer a;
  o.name = name;
  a = answer(creche_channel_open(loop, &o, &in, &out), &in.id);
  *receiver = out.id;
  return a;
}

cx_answer cx_channel_send(uint64_t id, cx_tail tail, uint64_t item)
{
  creche_sender sender = {id};
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_channel_send(sender, scope_of(tail.in), item, &o, NULL, user_of(tail), &task),
                &task.scope.id);
}

cx_answer cx_channel_try_send(uint64_t id, uint64_t item)
{
  creche_sender sender = {id};
  return answer(creche_channel_try_send(sender, item), NULL);
}

cx_answer cx_channel_receive(uint64_t id, cx_tail tail)
{
  creche_receiver receiver = {id};
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_channel_receive(receiver, scope_of(tail.in), &o, NULL, user_of(tail), &task),
                &task.scope.id);
}

cx_answer cx_channel_try_receive(uint64_t id)
{
  creche_receiver receiver = {id};
  uint64_t item = 0;
  return answer(creche_channel_try_receive(receiver, &item), &item);
}

cx_answer cx_channel_put_back(uint64_t id, uint64_t item)
{
  creche_receiver receiver = {id};
  return answer(creche_channel_put_back(receiver, item), NULL);
}

cx_answer cx_channel_clone(uint64_t id, int32_t sends)
{
  creche_sender sender = {id}, more = {0};
  creche_receiver receiver = {id}, another = {0};
  return sends ? answer(creche_sender_clone(sender, &more), &more.id)
               : answer(creche_receiver_clone(receiver, &another), &another.id);
}

cx_answer cx_channel_state(uint64_t id, int32_t sends, creche_channel_state *state)
{
  creche_sender sender = {id};
  creche_receiver receiver = {id};
  return answer(sends ? creche_sender_get_state(sender, state, sizeof *state)
                      : creche_receiver_get_state(receiver, state, sizeof *state),
                NULL);
}
