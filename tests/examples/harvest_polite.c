/* harvest: how hosts are treated: how much at a time, how often, again, by which way, with which
 * cookies. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <unistd.h>

#include "harvest.h"

/* One request each so many nanoseconds. */
static void set_rate(const harvest* h, creche_session_options* web) {
  if (h->rate == 0 || h->queue.name != NULL) return; /* a queue's turns are the database's */
  web->rate_per_host = h->rate < 1 ? 1 : (uint32_t)h->rate;
  web->rate_interval = (int64_t)(web->rate_per_host / h->rate * 1e9);
}

static void set_retries(harvest* h, creche_session_options* web) {
  if (h->retries == 0) return;
  creche_retry_init(&h->retry, sizeof h->retry);
  h->retry.attempts = h->retries + 1;
  web->retry = &h->retry;
}

/* The jar, with what is in the file; it may not be there yet. */
static void open_cookies(harvest* h, creche_session_options* web) {
  if (h->cookie_file == NULL) return;
  if (creche_cookie_jar_open(NULL, &h->cookies) != CRECHE_OK) die(creche_last_error()->message);
  if (access(h->cookie_file, F_OK) == 0 &&
      creche_cookie_jar_load(h->cookies, CRECHE_COOKIES_NETSCAPE, h->cookie_file) != CRECHE_OK)
    die(creche_last_error()->message);
  web->cookies = h->cookies;
}

void be_polite(harvest* h, creche_session_options* web) {
  web->user_agent = "harvest/0.1"; /* whom robots.txt speaks of */
  web->limit_per_host = h->per_host == 0 && h->follows ? 2 : h->per_host;
  web->proxy = h->proxy;
  web->flags |= CRECHE_SESSION_ENV_PROXY;
  set_rate(h, web);
  set_retries(h, web);
  open_cookies(h, web);
}

void keep_cookies(harvest* h) {
  if (h->cookie_file == NULL) return;
  if (creche_cookie_jar_save(h->cookies, CRECHE_COOKIES_NETSCAPE, h->cookie_file) != CRECHE_OK)
    fprintf(stderr, "harvest: %s\n", creche_last_error()->message);
  creche_cookie_jar_release(h->cookies);
}
