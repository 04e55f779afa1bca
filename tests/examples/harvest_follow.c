/* What comes after a page: its links, its redirect, the URLs of a sitemap; each URL once, and none
 * of another site than that where the user has begun. */
#include <stdlib.h>
#include <string.h>

#include "harvest.h"

static int lower(int c) {
  return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* The URL as all write it: scheme and host in lower case, no default port, no fragment, a path.
 * NULL: it is none of HTTP, or has user info, which nobody has given to us. */
static char* key_of(const char* url) {
  text t = {NULL, 0, 0};
  const size_t size = strcspn(url, "#");
  const int https = find_word(url, url + size, "https://") == url;
  if (!https && find_word(url, url + size, "http://") != url) return NULL;
  const char* from = url + (https ? 8 : 7);
  const size_t host = strcspn(from, "/?#");
  if (host == 0 || memchr(from, '@', host) != NULL) return NULL;
  text_add(&t, https ? "https://" : "http://", https ? 8 : 7);
  text_add(&t, from, host);
  for (size_t i = 0; i < t.size; i++) t.data[i] = (char)lower((unsigned char)t.data[i]);
  const char* port = https ? ":443" : ":80";
  if (t.size > strlen(port) && strcmp(t.data + t.size - strlen(port), port) == 0)
    t.size -= strlen(port);
  if (from[host] != '/') text_add(&t, "/", 1);
  text_add(&t, from + host, size - (size_t)(from + host - url));
  return t.data;
}

/* The same host and port; http and https of their own ports are one site. */
static int same_site(const char* a, const char* b) {
  a = strstr(a, "://") + 3;
  b = strstr(b, "://") + 3;
  const size_t size = strcspn(a, "/");
  return size == strcspn(b, "/") && memcmp(a, b, size) == 0;
}

/* A page that is not there yet; it may be another site's if it becomes a seed. The key becomes the
 * page's. */
static void add(page* from, char* key, uint32_t depth, int as_seed) {
  harvest* h = from->run;
  if (key == NULL) return;
  if ((!as_seed && !same_site(key, from->seed->key)) || table_find(&h->seen, key) != NULL ||
      h->count >= h->max_pages) {
    free(key);
    return;
  }
  page* p = add_page(h, key, strlen(key));
  free(key);
  p->key = p->url;
  p->seed = as_seed ? p : from->seed;
  p->depth = depth;
  table_put(&h->seen, p->key, p);
  start_page(p);
}

static void found(void* user, char* url) {
  page* from = user;
  add(from, key_of(url), from->depth + 1, 0);
  free(url);
}
/* Sitemaps of a sitemap are no deeper than that. */
static void found_sitemap(void* user, char* url) {
  page* from = user;
  add(from, key_of(url), from->depth, 0);
  free(url);
}

void follow(page* p, uint32_t status, const char* content_type) {
  const int deeper = p->depth < p->run->follow;
  if (p->key == NULL) return;
  if (status >= 300 && status < 400) {
    const char* location = creche_response_header(p->response, "location", NULL);
    char* url = location != NULL ? joined_url(p->key, location) : NULL;
    if (url != NULL) add(p, key_of(url), p->depth, p->seed == p);
    free(url);
  }
  if (status != 200) return;
  if (is_html(content_type) && deeper)
    html_links(p->body, p->body_size, is_latin1(content_type), p->key, found, p);
  else if (find_word(content_type, content_type + strlen(content_type), "xml") != NULL)
    sitemap_links(p->body, p->body_size, deeper ? found : NULL, found_sitemap, p);
}

void follow_sitemaps(page* p) {
  for (const char* line = p->sitemaps; line != NULL && *line != '\0';) {
    const size_t size = strcspn(line, "\n");
    char* url = must(malloc(size + 1));
    memcpy(url, line, size);
    url[size] = '\0';
    found_sitemap(p, url);
    line += size + 1;
  }
}

void keep_unlike(harvest* h) {
  size_t kept = 0;
  for (size_t i = 0; i < h->count; i++) {
    page* p = h->pages[i];
    p->key = key_of(p->url);
    p->seed = p;
    if (p->key != NULL && table_find(&h->seen, p->key) != NULL) {
      free_page(p);
      continue;
    }
    if (p->key != NULL) table_put(&h->seen, p->key, p);
    p->n = kept;
    h->pages[kept++] = p;
  }
  h->count = kept;
}
