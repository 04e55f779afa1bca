/* Links of HTML pages, and URLs of sitemaps (sitemaps.org). */
#include <stdlib.h>
#include <string.h>

#include "harvest.h"

char* joined_url(const char* base, const char* reference) {
  size_t size = 0;
  if (creche_url_join(base, reference, NULL, 0, &size) != CRECHE_E_LIMIT) return NULL;
  char* url = must(malloc(size + 1));
  creche_url_join(base, reference, url, size + 1, &size);
  return url;
}

/* As browsers read a URL in an attribute: without blanks around it, and line ends in it. */
static char* stripped(char* url) {
  char *to = url, *from = url;
  while (*from == ' ') from++;
  for (; *from != '\0'; from++)
    if (strchr("\t\r\n\f", *from) == NULL) *to++ = *from;
  while (to > url && to[-1] == ' ') to--;
  *to = '\0';
  return url;
}

static int says(const tag* t, const char* name, const char* word, const char* or_word) {
  char* value = tag_attribute(t, name, 0);
  if (value == NULL) return 0;
  const char* end = value + strlen(value);
  const int found = find_word(value, end, word) != NULL ||
                    (or_word != NULL && find_word(value, end, or_word) != NULL);
  free(value);
  return found;
}

/* What links are relative to: the first <base href>, for those in front of it, too. NULL: the page
 * says that none is to be followed. */
static char* base_of(const char* body, const char* end, int latin1, const char* url) {
  char* base = NULL;
  tag t;
  while (html_next_tag(&body, end, &t)) {
    if (tag_is(&t, "meta") && says(&t, "name", "robots", NULL) &&
        says(&t, "content", "nofollow", "none")) {
      free(base);
      return NULL;
    }
    char* href = base == NULL && tag_is(&t, "base") ? tag_attribute(&t, "href", latin1) : NULL;
    if (href != NULL) base = joined_url(url, stripped(href));
    free(href);
  }
  return base != NULL ? base : must(joined_url(url, ""));
}

void html_links(const char* body, size_t size, int latin1, const char* url, link_fn each,
                void* user) {
  const char* end = body + size;
  char* base = base_of(body, end, latin1, url);
  tag t;
  while (base != NULL && html_next_tag(&body, end, &t)) {
    const int link = tag_is(&t, "a") || tag_is(&t, "area");
    if (!link && !tag_is(&t, "frame") && !tag_is(&t, "iframe")) continue;
    if (says(&t, "rel", "nofollow", NULL)) continue;
    char* reference = tag_attribute(&t, link ? "href" : "src", latin1);
    if (reference == NULL) continue;
    char* found = joined_url(base, stripped(reference));
    free(reference);
    if (found != NULL) each(user, found);
  }
  free(base);
}

/* What stands between two tags of XML, which may say that it is no markup. */
static char* xml_text(const char* from, const char* to) {
  static const char kBegin[] = "<![CDATA[";
  text t = {NULL, 0, 0};
  while (from < to && strchr(" \t\r\n", *from) != NULL) from++;
  if ((size_t)(to - from) > sizeof kBegin && memcmp(from, kBegin, sizeof kBegin - 1) == 0) {
    const char* end = find_word(from += sizeof kBegin - 1, to, "]]>");
    text_add(&t, from, (size_t)((end != NULL ? end : to) - from));
  } else {
    text_add_markup(&t, from, to, 0);
  }
  while (t.size > 0 && strchr(" \t\r\n", t.data[t.size - 1]) != NULL) t.data[--t.size] = '\0';
  return t.data;
}

void sitemap_links(const char* body, size_t size, link_fn page, link_fn sitemap, void* user) {
  const char* end = body + size;
  tag t;
  if (!html_next_tag(&body, end, &t)) return; /* XML's tags are of the same shape */
  const link_fn each = tag_is(&t, "urlset") ? page : tag_is(&t, "sitemapindex") ? sitemap : NULL;
  while (each != NULL && html_next_tag(&body, end, &t)) {
    if (!tag_is(&t, "loc")) continue;
    const char* to = find_word(body, end, "</loc");
    if (to == NULL) break;
    each(user, xml_text(body, to));
    body = to;
  }
}
