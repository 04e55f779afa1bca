/* Cookies: what a jar takes, what it gives to whom, and what sessions do with it. */
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http_test.h"
#include "support/process.h"

static creche_cookie_jar jar;

static int open_jar(void** state) {
  (void)state;
  return creche_cookie_jar_open(NULL, &jar) == CRECHE_OK ? 0 : -1;
}
static int close_jar(void** state) {
  (void)state;
  creche_cookie_jar_release(jar);
  return 0;
}

static char got_text[8192];

static const char* cookies_for(const char* url) {
  size_t size = 0;
  OK(creche_cookie_jar_get(jar, url, got_text, sizeof got_text, &size));
  assert_int_equal(size, strlen(got_text));
  return got_text;
}
static int takes(const char* url, const char* set_cookie) {
  const creche_status status = creche_cookie_jar_receive(jar, url, set_cookie);
  assert_true(status == CRECHE_OK || status == CRECHE_E_INVALID);
  return status == CRECHE_OK;
}
static void empty(void) {
  OK(creche_cookie_jar_clear(jar, NULL));
}

/* Each alone in a jar: what is sent where. NULL as what is sent: it is not taken. */
static void whom_they_are_for(void** state) {
  (void)state;
  static const struct {
    const char *from, *cookie, *to, *sent;
  } cases[] = {
      {"http://a.example.com/", "n=v", "http://a.example.com/x", "n=v"},
      {"http://a.example.com/", "n=v", "http://A.Example.com:81/x", "n=v"},
      {"http://a.example.com/", "n=v", "https://a.example.com/x", "n=v"},
      {"http://a.example.com/", "n=v", "http://example.com/", ""},
      {"ws://a.example.com/", "n=v", "http://a.example.com/", "n=v"},
      {"wss://a.example.com/", "n=v; Secure", "WSS://a.example.com/", "n=v"},
      {"wss://a.example.com/", "n=v; Secure", "ws://a.example.com/", ""},
      {"http://a.example.com/", "n=v", "http://b.a.example.com/", ""},
      {"http://a.example.com/", "n=v; Domain=example.com", "http://example.com/", "n=v"},
      {"http://a.example.com/", "n=v; Domain=.Example.COM", "http://b.example.com/", "n=v"},
      {"http://a.example.com/", "n=v; domain=a.example.com", "http://b.a.example.com/", "n=v"},
      {"http://a.example.com/", "n=v; Domain=example.com", "http://badexample.com/", ""},
      {"http://a.example.com/", "n=v; Domain=ample.com", NULL, NULL},
      {"http://a.example.com/", "n=v; Domain=b.example.com", NULL, NULL},
      {"http://a.example.com/", "n=v; Domain=b.a.example.com", NULL, NULL},
      {"http://example.com./", "n=v", "http://example.com/", "n=v"},
      /* A dot at the end is no domain. */
      {"http://a.example.com/", "n=v; Domain=example.com.", "http://a.example.com/", "n=v"},
      {"http://a.example.com/", "n=v; Domain=example.com.", "http://example.com/", ""},
      {"http://a.example.com/", "n=v; Domain=", "http://example.com/", ""},
      /* Of two the last counts. */
      {"http://a.example.com/", "n=v; Domain=other.org; Domain=example.com", "http://example.com/",
       "n=v"},
      /* Public suffixes. */
      {"http://a.example.com/", "n=v; Domain=com", NULL, NULL},
      {"http://a.example.co.uk/", "n=v; Domain=co.uk", NULL, NULL},
      {"http://a.github.io/", "n=v; Domain=github.io", NULL, NULL},
      {"http://github.io/", "n=v; Domain=github.io", "http://github.io/", "n=v"},
      {"http://github.io/", "n=v; Domain=github.io", "http://a.github.io/", ""},
      {"http://a.test/", "n=v; Domain=test", NULL, NULL},
      {"http://localhost/", "n=v; Domain=localhost", "http://localhost/", "n=v"},
      {"http://localhost/", "n=v", "http://a.localhost/", ""},
      /* IP addresses. */
      {"http://127.0.0.1/", "n=v", "http://127.0.0.1:99/", "n=v"},
      {"http://127.0.0.1/", "n=v; Domain=127.0.0.1", "http://127.0.0.1/", "n=v"},
      {"http://127.0.0.1/", "n=v; Domain=0.0.1", NULL, NULL},
      {"http://[::1]/", "n=v", "http://[::1]/", "n=v"},
      {"http://10.0.0.1/", "n=v", "http://1.10.0.0.1.example/", ""},
      /* Paths. */
      {"http://h.example.com/a/b", "n=v", "http://h.example.com/a/c", "n=v"},
      {"http://h.example.com/a/b", "n=v", "http://h.example.com/ab", ""},
      {"http://h.example.com/a/b", "n=v", "http://h.example.com/", ""},
      {"http://h.example.com/a", "n=v", "http://h.example.com/", "n=v"},
      {"http://h.example.com/a/b/?c/d", "n=v", "http://h.example.com/a/b?", "n=v"},
      {"http://h.example.com/", "n=v; Path=/foo", "http://h.example.com/foo", "n=v"},
      {"http://h.example.com/", "n=v; Path=/foo", "http://h.example.com/foo/bar", "n=v"},
      {"http://h.example.com/", "n=v; Path=/foo", "http://h.example.com/foo?x", "n=v"},
      {"http://h.example.com/", "n=v; Path=/foo", "http://h.example.com/foobar", ""},
      {"http://h.example.com/", "n=v; Path=/foo/", "http://h.example.com/foo", ""},
      {"http://h.example.com/x/y", "n=v; Path=foo", "http://h.example.com/x", "n=v"},
      {"http://h.example.com/x/y", "n=v; Path=", "http://h.example.com/x/z", "n=v"},
      /* Secure, and the prefixes. */
      {"https://h.example.com/", "n=v; Secure", "https://h.example.com/", "n=v"},
      {"https://h.example.com/", "n=v; SECURE=no", "http://h.example.com/", ""},
      {"http://h.example.com/", "n=v; Secure", NULL, NULL},
      {"https://h.example.com/", "__Secure-n=v; Secure", "https://h.example.com/", "__Secure-n=v"},
      {"https://h.example.com/", "__Secure-n=v", NULL, NULL},
      {"https://h.example.com/", "__sEcUrE-n=v", NULL, NULL},
      {"https://h.example.com/", "__Host-n=v; Secure; Path=/", "https://h.example.com/x",
       "__Host-n=v"},
      {"https://h.example.com/", "__Host-n=v; Secure", NULL, NULL},
      {"https://h.example.com/", "__Host-n=v; Path=/", NULL, NULL},
      {"https://h.example.com/", "__host-n=v; Secure; Path=/x", NULL, NULL},
      {"https://h.example.com/", "__Host-n=v; Secure; Path=/; Domain=h.example.com", NULL, NULL},
      {"https://h.example.com/", "=__Host-n=v; Secure; Path=/", NULL, NULL},
      {"https://h.example.com/", "__Secure-n", NULL, NULL},
      /* How they are written. */
      {"http://h.example.com/", "n=\"v w\"", "http://h.example.com/", "n=\"v w\""},
      {"http://h.example.com/", "n=\"v", "http://h.example.com/", "n=\"v"},
      {"http://h.example.com/", " n = v ; x", "http://h.example.com/", "n=v"},
      {"http://h.example.com/", "n{}[]=a,b=c", "http://h.example.com/", "n{}[]=a,b=c"},
      {"http://h.example.com/", "n=", "http://h.example.com/", "n="},
      {"http://h.example.com/", "alone", "http://h.example.com/", "alone"},
      {"http://h.example.com/", "=alone", "http://h.example.com/", "alone"},
      {"http://h.example.com/", "=", NULL, NULL},
      {"http://h.example.com/", "", NULL, NULL},
      {"http://h.example.com/", "; Path=/", NULL, NULL},
      {"http://h.example.com/", "n=v\x01", NULL, NULL},
      {"http://h.example.com/", "n=v; Path=/\x7f", NULL, NULL},
      {"http://h.example.com/", "n=a\tb", "http://h.example.com/", "n=a\tb"},
      {"http://h.example.com/", "n=\xc3\xa4\xff", "http://h.example.com/", "n=\xc3\xa4\xff"},
      {"http://h.example.com/", "n=v;;; HttpOnly;;SameSite=Lax;Unknown=1", "http://h.example.com/",
       "n=v"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    empty();
    if (takes(cases[i].from, cases[i].cookie) != (cases[i].sent != NULL))
      fail_msg("%s from %s", cases[i].cookie, cases[i].from);
    if (cases[i].sent != NULL && strcmp(cookies_for(cases[i].to), cases[i].sent) != 0)
      fail_msg("%s from %s to %s: %s", cases[i].cookie, cases[i].from, cases[i].to, got_text);
  }
}

static void when_they_end(void** state) {
  (void)state;
  static const struct {
    const char* attributes;
    int64_t expires; /* CRECHE_NEVER, seconds; -1: it is not there afterwards */
  } cases[] = {
      {"", CRECHE_NEVER},
      {"; Expires=Wed, 09 Jun 2094 10:18:14 GMT", 3926917094},
      {"; Expires=Wednesday, 09-Jun-94 10:18:14 GMT", -1}, /* 1994 */
      {"; Expires=Wed, 09-Jun-2094 10:18:14", 3926917094},
      {"; Expires=Wed Jun  9 10:18:14 2094", 3926917094}, /* asctime */
      {"; Expires=9 June 2094 10:18:14", 3926917094},
      {"; expires=2094 09 jun 10:18:14", 3926917094},
      {"; Expires=Wed, 09 Jun 2069 10:18:14 GMT", 3137998694},
      {"; Expires=Wed, 09 Jun 69 10:18:14 GMT", 3137998694},
      {"; Expires=Thu, 01 Jan 1970 00:00:00 GMT", -1},
      {"; Expires=Wed, 31 Jun 2094 10:18:14 GMT", CRECHE_NEVER}, /* no dates */
      {"; Expires=Wed, 09 Jun 2094 24:18:14 GMT", CRECHE_NEVER},
      {"; Expires=Wed, 09 Jun 2094", CRECHE_NEVER},
      {"; Expires=soon", CRECHE_NEVER},
      {"; Expires=Wed, 09 Jun 1600 10:18:14 GMT", CRECHE_NEVER},
      {"; Expires", CRECHE_NEVER},
      {"; Max-Age=0", -1},
      {"; Max-Age=-5", -1},
      {"; Max-Age=0; Expires=Wed, 09 Jun 2094 10:18:14 GMT", -1}, /* goes before */
      {"; Max-Age=5x; Expires=Wed, 09 Jun 2094 10:18:14 GMT", 3926917094},
      {"; Max-Age=", CRECHE_NEVER},
      {"; Max-Age=+5", CRECHE_NEVER},
      {"; Max-Age=99999999999999999999; Expires=Thu, 01 Jan 1970 00:00:00 GMT", -3},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char cookie[256], exported[1024];
    empty();
    snprintf(cookie, sizeof cookie, "n=v%s", cases[i].attributes);
    takes("http://h.example.com/", "n=old");
    assert_true(takes("http://h.example.com/", cookie));
    assert_string_equal(cookies_for("http://h.example.com/"), cases[i].expires == -1 ? "" : "n=v");
    if (cases[i].expires < 0) continue;
    OK(creche_cookie_jar_export(jar, CRECHE_COOKIES_NETSCAPE, exported, sizeof exported, NULL));
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\tFALSE\t%lld\tn\tv\n",
             (long long)(cases[i].expires == CRECHE_NEVER ? 0 : cases[i].expires));
    if (strstr(exported, wanted) == NULL) fail_msg("%s: %s", cookie, exported);
  }
  /* Looked at each time: not only when it came. */
  creche_cookie soon = {sizeof soon, 0, "n", "v", "h.example.com", NULL, NULL, 0};
  empty();
  soon.expires = (int64_t)time(NULL) + 2;
  OK(creche_cookie_jar_set(jar, &soon));
  assert_string_equal(cookies_for("http://h.example.com/"), "n=v");
  while (time(NULL) < soon.expires) usleep(20000);
  assert_string_equal(cookies_for("http://h.example.com/"), "");
}

static void in_which_order(void** state) {
  (void)state;
  takes("http://h.example.com/", "a=1; Path=/");
  takes("http://h.example.com/", "n=short; Path=/");
  takes("http://h.example.com/", "n=long; Path=/x/y");
  takes("http://h.example.com/", "n=middle; Path=/x");
  takes("http://h.example.com/", "n=above; Path=/; Domain=example.com");
  takes("http://h.example.com/", "a=2; Path=/"); /* its place is the older one's */
  assert_string_equal(cookies_for("http://h.example.com/x/y/z"),
                      "n=long; n=middle; a=2; n=short; n=above");
}

/* What came in clear does not stand before what came over TLS. */
static void secure_ones_stay(void** state) {
  (void)state;
  assert_true(takes("https://h.example.com/", "n=safe; Secure; Path=/login"));
  assert_false(takes("http://h.example.com/", "n=evil; Path=/login"));
  assert_false(takes("http://h.example.com/", "n=evil; Path=/login/en"));
  assert_false(takes("http://www.h.example.com/", "n=evil; Path=/login; Domain=example.com"));
  assert_true(takes("http://h.example.com/", "n=other; Path=/"));
  assert_string_equal(cookies_for("https://h.example.com/login"), "n=safe; n=other");
}

static int32_t count(const creche_cookie* cookie, void* user) {
  assert_int_equal(cookie->size, sizeof *cookie);
  return ++*(int*)user == 1000;
}

static void never_too_many(void** state) {
  (void)state;
  creche_cookie_jar_options o;
  char url[64], cookie[64];
  static char large[5000];
  int n = 0;
  OK(creche_cookie_jar_options_init(&o, sizeof o));
  o.max_cookies = 20;
  o.max_per_domain = 5;
  creche_cookie_jar_release(jar);
  OK(creche_cookie_jar_open(&o, &jar));
  takes("https://h.example.com/", "secure=1; Secure");
  for (int i = 0; i < 10; i++) {
    snprintf(cookie, sizeof cookie, "n%d=v", i);
    takes("https://h.example.com/", cookie);
    cookies_for("https://h.example.com/"); /* all are used but the new one */
  }
  OK(creche_cookie_jar_each(jar, count, &n));
  assert_int_equal(n, 5);
  assert_string_equal(cookies_for("https://h.example.com/"), "secure=1; n6=v; n7=v; n8=v; n9=v");
  for (int i = 0; i < 50; i++) {
    snprintf(url, sizeof url, "http://h%d.example.com/", i);
    takes(url, "n=v");
  }
  n = 0;
  OK(creche_cookie_jar_each(jar, count, &n));
  assert_int_equal(n, 20);
  assert_string_equal(cookies_for("http://h49.example.com/"), "n=v");
  assert_string_equal(cookies_for("http://h1.example.com/"), "");
  memset(large, 'x', sizeof large - 1);
  memcpy(large, "n=", 2);
  assert_false(takes("http://h.example.com/", large));
  large[4097] = '\0';
  assert_true(takes("http://h.example.com/", large));
}

static void kept_as_text(void** state) {
  (void)state;
  static const uint32_t forms[] = {CRECHE_COOKIES_NETSCAPE, CRECHE_COOKIES_JSON};
  char before[4096], after[4096], path[256];
  char* folder = support_folder_make((uid_t)-1, (gid_t)-1);
  for (int i = 0; i < 2; i++) {
    creche_cookie_jar other = jar;
    empty();
    takes("https://h.example.com/p/", "n=\"v\\, w\"; Secure; HttpOnly; Path=/p");
    takes("http://h.example.com/", "m=\xc3\xa4\xff; Domain=example.com; Max-Age=100000");
    takes("http://127.0.0.1/", "ip=1");
    takes("http://h.example.com/", "alone");
    OK(creche_cookie_jar_export(jar, forms[i], before, sizeof before, NULL));
    snprintf(path, sizeof path, "%s/cookies", folder);
    OK(creche_cookie_jar_save(jar, forms[i], path));
    struct stat mode;
    assert_int_equal(stat(path, &mode), 0);
    assert_int_equal(mode.st_mode & 0777, 0600);
    OK(creche_cookie_jar_open(NULL, &jar));
    OK(creche_cookie_jar_load(jar, forms[i], path));
    OK(creche_cookie_jar_export(jar, forms[i], after, sizeof after, NULL));
    assert_string_equal(before, after);
    assert_string_equal(cookies_for("https://h.example.com/p"),
                        "n=\"v\\, w\"; m=\xc3\xa4\xff; alone");
    assert_string_equal(cookies_for("http://x.example.com/"), "m=\xc3\xa4\xff");
    assert_string_equal(cookies_for("http://127.0.0.1/"), "ip=1");
    creche_cookie_jar_release(jar);
    jar = other;
  }
  /* What others write. */
  static const char netscape[] =
      "# Netscape HTTP Cookie File\r\n# a comment\r\n\r\n"
      "#HttpOnly_.example.org\tTRUE\t/\tTRUE\t4102444800\tn\tv\r\n"
      ".example.org\tTRUE\t/\tFALSE\t1\told\tv\n"
      "h.example.org\tFALSE\t/x\tFALSE\t0\tempty\t";
  static const char json[] =
      "[ {\"domain\": \".example.net\", \"expirationDate\": 4102444800.5, \"name\": \"n\", "
      "\"value\": \"\\u00e4\\ud83d\\ude00\\\"\", \"storeId\": null, \"x\": [1, {\"y\": []}]}, "
      "{\"domain\": \"h.example.net\", \"name\": \"m\", \"value\": \"1\", \"expires\": -1}]";
  empty();
  OK(creche_cookie_jar_import(jar, CRECHE_COOKIES_NETSCAPE, netscape, strlen(netscape)));
  assert_string_equal(cookies_for("https://a.example.org/"), "n=v");
  assert_string_equal(cookies_for("http://h.example.org/x"), "empty=");
  OK(creche_cookie_jar_import(jar, CRECHE_COOKIES_JSON, json, strlen(json)));
  assert_string_equal(cookies_for("http://h.example.net/"), "n=\xc3\xa4\xf0\x9f\x98\x80\"; m=1");
  /* Nothing of what is no such text. */
  static const char* const wrong[] = {"x",
                                      "a\tb\tc",
                                      "[",
                                      "{}",
                                      "[{]",
                                      "[{\"name\": 1}]",
                                      "[] x",
                                      "[{\"name\": \"\\ud800\"}]",
                                      "[{\"x\": tru}]"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_int_equal(
        creche_cookie_jar_import(jar, i < 2 ? CRECHE_COOKIES_NETSCAPE : CRECHE_COOKIES_JSON,
                                 wrong[i], strlen(wrong[i])),
        CRECHE_E_INVALID);
  assert_int_equal(creche_cookie_jar_load(jar, CRECHE_COOKIES_JSON, "/nowhere/x"), CRECHE_E_SYSTEM);
  assert_int_equal(creche_cookie_jar_save(jar, CRECHE_COOKIES_JSON, "/nowhere/x"), CRECHE_E_SYSTEM);
  assert_int_equal(creche_cookie_jar_save(jar, 3, "/nowhere/x"), CRECHE_E_INVALID);
  support_folder_remove(folder);
  free(folder);
}

static void set_by_hand(void** state) {
  (void)state;
  creche_cookie c = {sizeof c,    CRECHE_COOKIE_HOST_ONLY, "n", "v", "H.Example.com", NULL, NULL,
                     CRECHE_NEVER};
  OK(creche_cookie_jar_set(jar, &c));
  assert_string_equal(cookies_for("http://h.example.com/x"), "n=v");
  assert_string_equal(cookies_for("http://a.h.example.com/x"), "");
  c.flags = 0;
  c.domain = ".example.com";
  c.path = "/x";
  OK(creche_cookie_jar_set(jar, &c));
  assert_string_equal(cookies_for("http://h.example.com/x"), "n=v; n=v");
  OK(creche_cookie_jar_clear(jar, "h.example.com"));
  assert_string_equal(cookies_for("http://h.example.com/x"), "n=v");
  c.expires = 1;
  OK(creche_cookie_jar_set(jar, &c)); /* takes it out */
  assert_string_equal(cookies_for("http://h.example.com/x"), "");
  c.expires = CRECHE_NEVER;
  static const struct {
    const char *name, *value, *domain, *path;
  } wrong[] = {
      {"a=b", "v", "h", "/"},      {"n", "v;w", "h", "/"},        {"n", "v\n", "h", "/"},
      {"", "", "h", "/"},          {"n", "v", "", "/"},           {"n", "v", "h/x", "/"},
      {"n", "v", "h:80", "/"},     {"n", "v", "h", "x"},          {"n", "v", "h", "/\r\n"},
      {"__Host-n", "v", "h", "/"}, {"__Secure-n", "v", "h", "/"}, {NULL, "v", "h", "/"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    c.name = wrong[i].name;
    c.value = wrong[i].value;
    c.domain = wrong[i].domain;
    c.path = wrong[i].path;
    if (creche_cookie_jar_set(jar, &c) != CRECHE_E_INVALID) fail_msg("number %zu", i);
  }
  char little[3];
  size_t size = 0;
  takes("http://h.example.com/", "n=v");
  assert_int_equal(creche_cookie_jar_get(jar, "http://h.example.com/", little, 3, &size),
                   CRECHE_E_LIMIT);
  assert_int_equal(size, 3);
  OK(creche_cookie_jar_get(jar, "http://h.example.com/", NULL, 0, &size));
  assert_int_equal(creche_cookie_jar_get(jar, "ftp://h/", NULL, 0, &size), CRECHE_E_URL);
}

/* ---- Sessions ---- */

static support_hostile* server;
static char last[8192];
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER; /* there may be two connections */

/* "/set?<cookie>" sets it and goes on to /end; "/away?<url>" goes there and sets one. */
static void setting(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    char* path = strchr(support_received(peer), ' ') + 1;
    if (strncmp(path, "/set?", 5) == 0) {
      support_sendf(peer,
                    "HTTP/1.1 302 Found\r\nSet-Cookie: %.*s\r\nset-cookie: second=2\r\n"
                    "Location: /end\r\nContent-Length: 0\r\n\r\n",
                    (int)strcspn(path + 5, " "), path + 5);
    } else if (strncmp(path, "/away?", 6) == 0) {
      support_sendf(peer,
                    "HTTP/1.1 302 Found\r\nSet-Cookie: of=first\r\nLocation: %.*s\r\n"
                    "Content-Length: 0\r\n\r\n",
                    (int)strcspn(path + 6, " "), path + 6);
    } else {
      pthread_mutex_lock(&last_lock);
      snprintf(last, sizeof last, "%s", support_received(peer));
      pthread_mutex_unlock(&last_lock);
      support_send_text(peer,
                        "HTTP/1.1 200 OK\r\nSet-Cookie: end=1\r\nContent-Length: 2\r\n\r\nok");
    }
  }
}

static int serve(void** state) {
  server = support_hostile_start(setting, NULL);
  return open_jar(state) != 0 ? -1 : set_up(state);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  return failed + close_jar(state);
}

static void with_jar(const creche_header* headers, size_t count) {
  creche_session_options o = session_options();
  o.cookies = jar;
  o.headers = headers;
  o.headers_count = count;
  use_session(&o);
}

static void on_each_hop(void** state) {
  (void)state;
  char path[256];
  with_jar(NULL, 0);
  expect_body(fetch(at(support_hostile_url(server), "/set?n=v;Path=/"), NULL), 200, "ok");
  assert_non_null(strstr(last, "\r\nCookie: n=v; second=2\r\n"));
  assert_string_equal(cookies_for(support_hostile_url(server)), "n=v; second=2; end=1");
  /* Not for that one, and its own are the next hop's only if they are for it. */
  expect_body(fetch(at(support_hostile_url(server), "/set?n=w;Max-Age=0"), NULL), 200, "ok");
  assert_non_null(strstr(last, "\r\nCookie: second=2; end=1\r\n"));
  snprintf(path, sizeof path, "/away?http://localhost:%d/end", support_hostile_port(server));
  expect_body(fetch(at(support_hostile_url(server), path), NULL), 200, "ok");
  assert_null(strstr(last, "Cookie:"));
  snprintf(path, sizeof path, "/away?http://127.0.0.1:%d/end", support_hostile_port(server));
  snprintf(url_text, sizeof url_text, "http://localhost:%d%s", support_hostile_port(server), path);
  expect_body(fetch(url_text, NULL), 200, "ok");
  assert_non_null(strstr(last, "\r\nCookie: second=2; end=1; of=first\r\n"));
}

static void beside_the_users_own(void** state) {
  (void)state;
  const creche_header own = creche_header_text("Cookie", "n=mine; x=1");
  char path[256];
  takes(support_hostile_url(server), "n=jar");
  takes(support_hostile_url(server), "m=jar");
  with_jar(&own, 1);
  expect_body(fetch(at(support_hostile_url(server), "/"), NULL), 200, "ok");
  assert_non_null(strstr(last, "\r\nCookie: n=mine; x=1; m=jar\r\n"));
  with_jar(NULL, 0);
  creche_request_options o = request_options();
  o.headers = &own;
  o.headers_count = 1;
  expect_body(fetch(at(support_hostile_url(server), "/"), &o), 200, "ok");
  assert_non_null(strstr(last, "\r\nCookie: n=mine; x=1; m=jar; end=1\r\n"));
  /* Across origins it is gone, and the jar's are those of the new one. */
  takes("http://localhost/", "there=1");
  snprintf(path, sizeof path, "/away?http://localhost:%d/end", support_hostile_port(server));
  expect_body(fetch(at(support_hostile_url(server), path), &o), 200, "ok");
  assert_non_null(strstr(last, "\r\nCookie: there=1\r\n"));
  assert_null(strstr(last, "mine"));
  /* Not for this request. */
  o.flags = CRECHE_REQUEST_NO_COOKIES;
  expect_body(fetch(at(support_hostile_url(server), "/set?q=1"), &o), 200, "ok");
  assert_non_null(strstr(last, "\r\nCookie: n=mine; x=1\r\n"));
  assert_null(strstr(cookies_for(support_hostile_url(server)), "q=1"));
}

/* Two loops share a jar, and it outlives its handle. */
static void shared(void** state) {
  (void)state;
  creche_loop other;
  creche_session second;
  creche_session_options so = session_options();
  creche_request_options o = request_options();
  so.cookies = jar;
  with_jar(NULL, 0);
  OK(creche_loop_open(NULL, &other));
  OK(creche_session_open(other, &so, &second));
  creche_queue_options qo;
  creche_queue there;
  creche_completion c;
  size_t n;
  OK(creche_queue_options_init(&qo, sizeof qo));
  OK(creche_queue_open(other, &qo, &there));
  creche_task_options to = *o.task;
  to.queue = there;
  o.task = &to;
  for (int i = 0; i < 50; i++) {
    char path[64];
    snprintf(path, sizeof path, "/set?n%d=v;Path=/", i % 7);
    OK(creche_session_fetch(second, other.scope, at(support_hostile_url(server), path), &o, NULL,
                            NULL, NULL));
    expect_body(fetch(at(support_hostile_url(server), path), NULL), 200, "ok");
    OK(creche_queue_wait(there, &c, 1, PATIENCE, &n));
    assert_int_equal(c.code, 200);
    creche_completions_release(&c, 1);
  }
  creche_cookie_jar_release(jar);
  expect_body(fetch(at(support_hostile_url(server), "/"), NULL), 200, "ok");
  assert_non_null(strstr(last, "\r\nCookie: n0=v; second=2; end=1"));
  creche_queue_release(there);
  creche_session_release(second);
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, PATIENCE));
}

#define JAR(name) cmocka_unit_test_setup_teardown(name, open_jar, close_jar)
#define TEST(name) cmocka_unit_test_setup_teardown(name, serve, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      JAR(whom_they_are_for),     JAR(when_they_end), JAR(in_which_order), JAR(secure_ones_stay),
      JAR(never_too_many),        JAR(kept_as_text),  JAR(set_by_hand),    TEST(on_each_hop),
      TEST(beside_the_users_own), TEST(shared),
  };
  return cmocka_run_group_tests_name("cookies", tests, NULL, NULL);
}
