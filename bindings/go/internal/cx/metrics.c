#include "inside.h"

cx_answer cx_metrics(const creche_loop *loops, size_t count, char *buffer, size_t capacity, size_t *size)
{
  return answer(creche_write_metrics(loops, count, CRECHE_METRICS_PROMETHEUS, buffer, capacity, size), NULL);
}

cx_answer cx_session_set_name(uint64_t id, const char *name)
{
  creche_session session = {id};
  return answer(creche_session_set_name(session, name), NULL);
}

cx_answer cx_pool_set_name(uint64_t id, const char *name)
{
  creche_pool pool = {id};
  return answer(creche_pool_set_name(pool, name), NULL);
}

cx_answer cx_set_threads(uint64_t stack_size, const char *prefix, uint32_t workers)
{
  creche_threads_options o;
  creche_threads_options_init(&o, sizeof o);
  o.stack_size = stack_size;
  if (*prefix != '\0') o.prefix = prefix;
  o.workers = workers;
  return answer(creche_set_threads(&o), NULL);
}
