/* What origins allow. The first page of an origin fetches its robots.txt (RFC 9309), those that
 * come meanwhile wait for an event, and all later ones know it. All of it is the loop's thread's:
 * nothing is locked. */
#include <stdlib.h>
#include <string.h>

#include "harvest.h"

typedef struct origin {
  harvest* run;
  char* url; /* of its robots.txt, which is the key, too */
  creche_event known;
  robots* rules;           /* NULL: not known yet, or none */
  const creche_error* why; /* it cannot be reached; */
  const char* refused;     /* or says that it is not to be */
  int64_t free_at;         /* when the next request may be made */
} origin;

static const char* target_of(const page* p) {
  return strchr(strstr(p->key, "://") + 3, '/'); /* a key has one */
}

static char* robots_url(const page* p) {
  text t = {NULL, 0, 0};
  text_add(&t, p->key, (size_t)(target_of(p) - p->key));
  text_add(&t, "/robots.txt", 11);
  return t.data;
}

static void its_turn(void* user, const creche_completion* c) {
  page* p = user;
  if (c->status == CRECHE_OK)
    fetch_page(p);
  else
    creche_task_finish(p->task, c->status, 0, c->error);
}

/* What the origin has said is known. */
static void decide(page* p, origin* o) {
  harvest* h = p->run;
  if (o->why != NULL) {
    creche_task_finish(p->task, o->why->status, 0, o->why);
    return;
  }
  p->refused = o->refused;
  if (o->rules != NULL && !robots_allow(o->rules, target_of(p)))
    p->refused = "robots.txt disallows it";
  if (p->refused != NULL) {
    creche_task_finish(p->task, CRECHE_OK, 0, NULL);
    return;
  }
  const int64_t delay = o->rules != NULL ? robots_delay(o->rules) : 0;
  const int64_t time = now(h);
  const int64_t at = o->free_at > time ? o->free_at : time;
  o->free_at = at + delay;
  if (at == time)
    fetch_page(p);
  else
    goes_on(p, creche_sleep(p->task.scope, at - time, NULL, its_turn, p, NULL));
}

static void known(void* user, const creche_completion* c) {
  page* p = user;
  char* url = robots_url(p);
  if (c->status == CRECHE_OK)
    decide(p, table_find(&p->run->origins, url));
  else
    creche_task_finish(p->task, c->status, 0, c->error);
  free(url);
}

/* No such file: all is allowed. One that there may be: nothing is. Who says "too many requests"
 * means it. */
static void robots_came(void* user, const creche_completion* c) {
  page* p = user;
  char* url = robots_url(p);
  origin* o = table_find(&p->run->origins, url);
  free(url);
  if (c->status == CRECHE_OK && c->code < 300) {
    o->rules = robots_read(c->data, c->data_size, "harvest");
    p->sitemaps = robots_sitemaps(o->rules);
  } else if (c->status == CRECHE_OK && (c->code >= 500 || c->code == 429)) {
    o->refused = "robots.txt cannot be had, so nothing is allowed";
  } else if (c->status != CRECHE_OK && c->status != CRECHE_E_REDIRECT) {
    o->why = creche_error_keep(c->error);
  }
  if (c->flags & CRECHE_OWNED) creche_response_release((creche_response){c->value});
  creche_event_set(o->known);
  decide(p, o);
}

void ask_origin(page* p) {
  harvest* h = p->run;
  if (p->key == NULL) { /* no URL of HTTP: the session says what is wrong */
    fetch_page(p);
    return;
  }
  char* url = robots_url(p);
  origin* o = table_find(&h->origins, url);
  if (o == NULL) {
    o = must(calloc(1, sizeof *o));
    o->run = h;
    o->url = url;
    table_put(&h->origins, url, o);
    if (creche_event_open(h->loop, NULL, &o->known) != CRECHE_OK) die(creche_last_error()->message);
    goes_on(p, creche_session_fetch(h->web, p->task.scope, url, &h->robots_request, robots_came, p,
                                    NULL));
    return;
  }
  free(url);
  if (creche_event_is_set(o->known) == 1)
    decide(p, o);
  else
    goes_on(p, creche_event_wait(o->known, p->task.scope, NULL, known, p, NULL));
}

void forget_origins(harvest* h) {
  size_t at = 0;
  for (origin* o; (o = table_next(&h->origins, &at)) != NULL;) {
    creche_event_release(o->known);
    creche_error_release(o->why);
    robots_free(o->rules);
    free(o->url);
    free(o);
  }
  table_clear(&h->origins);
}
