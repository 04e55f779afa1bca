/* Auth: what servers and proxies are shown, when, and what of their challenges is answered. */
#include <openssl/evp.h>

#include "proxies.h"

/* ---- A server that checks what it is shown ---- */

typedef struct guard {
  const char* challenges; /* whole fields, each with CRLF */
  const char* accepts;    /* "Basic ...", "Bearer ...": exactly; NULL: digest */
  const char* openssl;    /* of digest: the name of its algorithm */
  int session, userhash, stale_after, status, as_int;
  const char* field; /* that it is shown in */
} guard;

static char shown[4096]; /* the last */
static char nonce[64];
static int asked, nonces;

static void hex(const char* algorithm, const char* text, char* out) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  size_t size = 0;
  EVP_Q_digest(NULL, algorithm, NULL, text, strlen(text), digest, &size);
  for (size_t i = 0; i < size; i++) sprintf(out + 2 * i, "%02x", digest[i]);
}

/* The value of a parameter, quotes and backslashes undone. */
static char* param(const char* name, char* out) {
  char wanted[64];
  const char* at;
  snprintf(wanted, sizeof wanted, " %s=", name);
  *out = '\0';
  if ((at = strstr(shown, wanted)) == NULL) return out;
  at += strlen(wanted);
  char* to = out;
  if (*at == '"') {
    for (at++; *at != '"' && *at != '\0'; at++) {
      if (*at == '\\') at++;
      *to++ = *at;
    }
  } else {
    while (*at != ',' && *at != '\0') *to++ = *at++;
  }
  *to = '\0';
  return out;
}

/* Whether the digest shown is right for "us\"er", "p:w" and this request line. */
static int right(const guard* g, const char* method, const char* target) {
  char a[4096], b[2048], ha1[256], ha2[256], expected[256], value[512], nc[64], cnonce[256];
  char qop[64], realm[256];
  if (strncmp(shown, "Digest ", 7) != 0 || strcmp(param("nonce", value), nonce) != 0) return 0;
  param("realm", realm);
  if (strcmp(realm, "a \"realm\"") != 0 || strcmp(param("opaque", value), "op") != 0) return 0;
  if (strcmp(param("uri", value), target) != 0) return 0;
  snprintf(a, sizeof a, "us\"er:%s", realm);
  hex(g->openssl, a, b);
  if (strcmp(param("username", value), g->userhash ? b : "us\"er") != 0) return 0;
  snprintf(a, sizeof a, "us\"er:%s:p:w", realm);
  hex(g->openssl, a, ha1);
  param("cnonce", cnonce);
  param("nc", nc);
  param("qop", qop);
  if (g->session) {
    snprintf(a, sizeof a, "%s:%s:%s", ha1, nonce, cnonce);
    hex(g->openssl, a, ha1);
  }
  snprintf(a, sizeof a, "%s:%s", method, target);
  if (g->as_int) {
    hex(g->openssl, "body", b);
    snprintf(a, sizeof a, "%s:%s:%s", method, target, b);
  }
  hex(g->openssl, a, ha2);
  if (*qop != '\0')
    snprintf(a, sizeof a, "%s:%s:%s:%s:%s:%s", ha1, nonce, nc, cnonce, qop, ha2);
  else
    snprintf(a, sizeof a, "%s:%s:%s", ha1, nonce, ha2);
  hex(g->openssl, a, expected);
  return strcmp(param("response", value), expected) == 0;
}

static void guarded(support_peer* peer, void* user) {
  const guard* g = user;
  int served = 0;
  while (support_expect_request(peer)) {
    const char* head = support_received(peer);
    char method[16], target[256], field[64];
    const int ask = g->status != 0 ? g->status : 401;
    sscanf(head, "%15s %255s", method, target);
    snprintf(field, sizeof field, "\r\n%s: ", g->field != NULL ? g->field : "Authorization");
    const char* at = strstr(head, field);
    shown[0] = '\0';
    if (at != NULL)
      snprintf(shown, sizeof shown, "%.*s", (int)strcspn(at + strlen(field), "\r"),
               at + strlen(field));
    const int good = g->accepts != NULL ? strcmp(shown, g->accepts) == 0 : right(g, method, target);
    const int stale = good && g->stale_after != 0 && ++served > g->stale_after;
    if (strncmp(target, "/away?", 6) == 0) {
      support_sendf(peer, "HTTP/1.1 302 Away\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                    target + 6);
    } else if (good && !stale) {
      support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
    } else {
      char challenges[2048];
      asked++;
      served = 0;
      snprintf(nonce, sizeof nonce, "nonce%d", ++nonces);
      snprintf(challenges, sizeof challenges, g->challenges, nonce, stale ? "true" : "false");
      support_sendf(peer, "HTTP/1.1 %d Who\r\n%sContent-Length: 3\r\n\r\nwho", ask, challenges);
    }
  }
}

static support_hostile* server;

static void guarded_by(const guard* g) {
  if (server != NULL) support_hostile_stop(server);
  asked = nonces = 0;
  server = support_hostile_start(guarded, (void*)g);
}

static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  server = NULL;
  return failed;
}

static creche_auth login(uint32_t schemes) {
  creche_auth a = {sizeof a, schemes, "us\"er", "p:w", NULL, NULL, NULL, NULL};
  return a;
}

static void with_login(const creche_auth* auth) {
  creche_session_options o = session_options();
  o.auth = auth;
  use_session(&o);
}

static void good(const char* path) {
  expect_body(fetch(at(support_hostile_url(server), path), NULL), 200, "good");
}
static void who(const char* path) {
  expect_body(fetch(at(support_hostile_url(server), path), NULL), 401, "who");
}

static void basic(void** state) {
  (void)state;
  static const guard g = {
      "WWW-Authenticate: Basic realm=x\r\n", "Basic dXMiZXI6cDp3", NULL, 0, 0, 0, 0, 0, NULL};
  creche_auth a = login(CRECHE_AUTH_BASIC);
  guarded_by(&g);
  with_login(&a);
  good("/");
  assert_int_equal(asked, 0); /* at once */
  /* Other credentials of the request go first. */
  creche_request_options o = request_options();
  const creche_header own = creche_header_text("Authorization", "mine");
  o.headers = &own;
  o.headers_count = 1;
  expect_body(fetch(support_hostile_url(server), &o), 401, "who");
  assert_string_equal(shown, "mine");
  o.headers_count = 0;
  snprintf(url_text, sizeof url_text, "http://u:p@127.0.0.1:%d/", support_hostile_port(server));
  expect_body(fetch(url_text, NULL), 401, "who");
  assert_string_equal(shown, "Basic dTpw");
  o.flags = CRECHE_REQUEST_NO_AUTH;
  expect_body(fetch(support_hostile_url(server), &o), 401, "who");
  assert_string_equal(shown, "");
  a.password = "wrong";
  o.flags = 0;
  o.auth = &a;
  expect_body(fetch(support_hostile_url(server), &o), 401, "who");
  assert_int_equal(asked, 4); /* none of them twice */
}

static void digests(void** state) {
  (void)state;
#define OF(algorithm, more)                                                      \
  "WWW-Authenticate: Digest realm=\"a \\\"realm\\\"\", nonce=\"%s\", stale=%s, " \
  "opaque=\"op\"" algorithm more "\r\n"
  static const guard cases[] = {
      {OF("", ""), NULL, "MD5", 0, 0, 0, 0, 0, NULL},
      {OF(", algorithm=MD5", ", qop=\"auth\""), NULL, "MD5", 0, 0, 0, 0, 0, NULL},
      {OF(", algorithm=md5-sess", ", qop=\"auth,auth-int\""), NULL, "MD5", 1, 0, 0, 0, 0, NULL},
      {OF(", algorithm=SHA-256", ", qop=auth"), NULL, "SHA256", 0, 0, 0, 0, 0, NULL},
      {OF(", algorithm=SHA-256-sess", ", qop=\"auth\", userhash=true"), NULL, "SHA256", 1, 1, 0, 0,
       0, NULL},
      {OF(", algorithm=SHA-512-256", ", qop=\"auth\""), NULL, "SHA512-256", 0, 0, 0, 0, 0, NULL},
      {OF(", algorithm=MD5", ", qop=\"auth-int\""), NULL, "MD5", 0, 0, 0, 0, 1, NULL},
      /* Several, in one field and in more: the strongest that is known. */
      {"WWW-Authenticate: Basic realm=\"b, c\"\r\n" OF(", algorithm=SHA-256", ", qop=\"auth\""),
       NULL, "SHA256", 0, 0, 0, 0, 0, NULL},
      {"WWW-Authenticate: Negotiate abc==, Basic realm=\"x\", Digest realm=\"other\", nonce=\"n\", "
       "qop=\"auth\", algorithm=MD5, Digest realm=\"a \\\"realm\\\"\", nonce=\"%s\", stale=%s, "
       "opaque=\"op\", algorithm=SHA-256, qop=\"auth\", Digest realm=\"z\", nonce=\"n\", "
       "algorithm=SHA-999\r\n",
       NULL, "SHA256", 0, 0, 0, 0, 0, NULL},
  };
  creche_auth a = login(CRECHE_AUTH_DIGEST | CRECHE_AUTH_BASIC);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char nc[512];
    creche_request_options o = request_options();
    guarded_by(&cases[i]);
    a.user = "us\"er";
    with_login(&a);
    o.method = "POST";
    o.body = "body";
    o.body_size = 4;
    creche_completion c = fetch(at(support_hostile_url(server), "/dir/index?a=b,c"), &o);
    if (c.code != 200) fail_msg("number %zu: %s", i, shown);
    drop(c);
    assert_int_equal(asked, 1);
    const int counted = *param("nc", nc) != '\0';
    if (counted) assert_string_equal(nc, "00000001");
    /* Later ones answer at once, and are counted. */
    c = fetch(at(support_hostile_url(server), "/other"), &o);
    assert_int_equal(c.code, 200);
    drop(c);
    assert_int_equal(asked, 1);
    if (counted) assert_string_equal(param("nc", nc), "00000002");
    creche_session_release(web);
  }
  use_session(NULL);
}

static void wrong_and_old(void** state) {
  (void)state;
  static const guard g = {OF("", ", qop=\"auth\""), NULL, "MD5", 0, 0, 2, 0, 0, NULL};
  creche_auth a = login(CRECHE_AUTH_DIGEST);
  guarded_by(&g);
  with_login(&a);
  good("/1");
  good("/2");
  assert_int_equal(asked, 1);
  good("/3"); /* the nonce has become old */
  assert_int_equal(asked, 2);
  /* A wrong password is shown once. */
  a.password = "wrong";
  with_login(&a);
  asked = 0;
  who("/");
  assert_int_equal(asked, 2);
  /* A pulled body cannot be sent again. */
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = 4;
  a.password = "p:w";
  with_login(&a);
  start(support_hostile_url(server), &o, NULL);
  creche_completion c = next();
  assert_int_equal(c.kind, CRECHE_PULL);
  assert_int_equal(creche_task_answer(c.task, CRECHE_OK, "body", 4, 0, NULL), CRECHE_OK);
  drop(c);
  expect_body(next(), 401, "who");
}

static void basic_if_nothing_better(void** state) {
  (void)state;
  static const guard g = {
      "WWW-Authenticate: Basic realm=x\r\n", "Basic dXMiZXI6cDp3", NULL, 0, 0, 0, 0, 0, NULL};
  creche_auth a = login(CRECHE_AUTH_BASIC | CRECHE_AUTH_DIGEST);
  guarded_by(&g);
  with_login(&a);
  good("/");
  assert_int_equal(asked, 1); /* not before it was asked for */
  a.schemes = CRECHE_AUTH_DIGEST;
  with_login(&a);
  who("/");
  assert_string_equal(shown, ""); /* never */
}

static int tokens;
static int64_t another_token(void* user, char* token, size_t capacity) {
  assert_true(capacity >= 1024);
  tokens++;
  return *(const char**)user == NULL ? 0 : sprintf(token, "%s", *(const char**)user);
}

static void bearers(void** state) {
  (void)state;
  static const guard g = {"WWW-Authenticate: Bearer\r\n", "Bearer new", NULL, 0, 0, 0, 0, 0, NULL};
  const char* next_one = "new";
  creche_auth a = {sizeof a, CRECHE_AUTH_BEARER, NULL, NULL, "old", NULL, NULL, NULL};
  guarded_by(&g);
  with_login(&a);
  who("/");
  assert_string_equal(shown, "Bearer old");
  a.refresh = another_token;
  a.refresh_user = &next_one;
  with_login(&a);
  tokens = asked = 0;
  good("/");
  good("/"); /* kept */
  assert_int_equal(tokens, 1);
  assert_int_equal(asked, 1);
  /* Once for each request. */
  next_one = "wrong";
  with_login(&a);
  tokens = 0;
  who("/");
  assert_int_equal(tokens, 1);
  next_one = NULL;
  with_login(&a);
  tokens = asked = 0;
  who("/");
  assert_int_equal(tokens, 1);
  assert_int_equal(asked, 1);
  /* Without a first one. */
  a.token = NULL;
  next_one = "new";
  with_login(&a);
  good("/");
}

/* What was for one origin is shown to no other, asked or not. */
static void never_elsewhere(void** state) {
  (void)state;
  static const guard g = {OF("", ", qop=\"auth\""), NULL, "MD5", 0, 0, 0, 0, 0, NULL};
  creche_auth a;
  char path[128];
  guarded_by(&g);
  support_hostile* other = support_hostile_start(guarded, (void*)&g);
  snprintf(path, sizeof path, "/away?%s/", support_hostile_url(other));
  for (int i = 0; i < 3; i++) {
    const char* token = "new";
    a = login(i == 0 ? CRECHE_AUTH_BASIC : CRECHE_AUTH_DIGEST | CRECHE_AUTH_BASIC);
    if (i == 2) {
      const creche_auth bearer = {sizeof a, CRECHE_AUTH_BEARER, NULL,   NULL,
                                  "t",      another_token,      &token, NULL};
      a = bearer;
    }
    with_login(&a);
    tokens = 0;
    who(path);
    assert_string_equal(shown, "");
    assert_int_equal(tokens, 0);
  }
  support_hostile_stop(other);
}

static void proxies(void** state) {
  (void)state;
  static const guard g = {
      "Proxy-Authenticate: Basic realm=x\r\nProxy-Authenticate: Digest "
      "realm=\"a \\\"realm\\\"\", nonce=\"%s\", stale=%s, opaque=\"op\", "
      "qop=auth, algorithm=SHA-256\r\n",
      NULL,
      "SHA256",
      0,
      0,
      0,
      407,
      0,
      "Proxy-Authorization"};
  char by[128], nc[64];
  guarded_by(&g);
  snprintf(by, sizeof by, "http://us%%22er:p%%3Aw@127.0.0.1:%d", support_hostile_port(server));
  creche_session_options o = session_options();
  o.proxy = by;
  use_session(&o);
  expect_body(fetch("http://a.example/x", NULL), 200, "good");
  assert_int_equal(asked, 1);
  expect_body(fetch("http://b.example/y", NULL), 200, "good");
  assert_int_equal(asked, 1);
  assert_string_equal(param("nc", nc), "00000002");
  /* CONNECT: the guard answers 200 to the second, on another connection, and then says no TLS. */
  creche_completion c = fetch("https://a.example/", NULL);
  assert_int_equal(asked, 2);
  expect_failure(c, CRECHE_E_PROTOCOL, CRECHE_PHASE_PROXY, CRECHE_ERROR_UNSENT); /* "good" */
  assert_memory_equal(shown, "Digest ", 7);
  snprintf(by, sizeof by, "http://us%%22er:wrong@127.0.0.1:%d", support_hostile_port(server));
  use_session(&o);
  expect_body(fetch("http://a.example/x", NULL), 407, "who");
  c = fetch("https://a.example/", NULL);
  assert_int_equal(c.error->http_status, 407);
  expect_failure(c, CRECHE_E_PROXY, CRECHE_PHASE_PROXY, CRECHE_ERROR_UNSENT);
}

static void netrc(void** state) {
  (void)state;
  static const guard g = {
      "WWW-Authenticate: Basic realm=x\r\n", "Basic dXMiZXI6cDp3", NULL, 0, 0, 0, 0, 0, NULL};
  char path[256];
  snprintf(path, sizeof path, "%s/netrc", folder);
  static const char text[] =
      "# a comment\nmachine other.example login x password y\nmacdef init\n machine z\n\n"
      "machine 127.0.0.1\n  login \"us\\\"er\"\n  password p:w account z\ndefault login d password "
      "e\n";
  FILE* file = fopen(path, "w");
  fputs(text, file);
  fclose(file);
  setenv("NETRC", path, 1);
  guarded_by(&g);
  creche_session_options o = session_options();
  use_session(&o);
  who("/"); /* not asked for */
  assert_string_equal(shown, "");
  o.flags = CRECHE_SESSION_NETRC;
  use_session(&o);
  good("/");
  snprintf(url_text, sizeof url_text, "http://localhost:%d/", support_hostile_port(server));
  expect_body(fetch(url_text, NULL), 401, "who");
  assert_string_equal(shown, "Basic ZDpl"); /* d:e */
  creche_request_options ro = request_options();
  const creche_header own = creche_header_text("Authorization", "mine");
  ro.headers = &own;
  ro.headers_count = 1;
  expect_body(fetch(support_hostile_url(server), &ro), 401, "who");
  assert_string_equal(shown, "mine");
  ro.headers_count = 0;
  ro.flags = CRECHE_REQUEST_NO_AUTH;
  expect_body(fetch(support_hostile_url(server), &ro), 401, "who");
  assert_string_equal(shown, "");
  setenv("NETRC", "/nowhere/netrc", 1);
  use_session(&o); /* none is no failure */
  file = fopen(path, "w");
  fputs("<html>", file);
  fclose(file);
  setenv("NETRC", path, 1);
  creche_session opened;
  assert_int_equal(creche_session_open(loop, &o, &opened), CRECHE_E_INVALID);
  setenv("NETRC", folder, 1);
  assert_int_equal(creche_session_open(loop, &o, &opened), CRECHE_E_SYSTEM);
  unsetenv("NETRC");
}

static void misuse(void** state) {
  (void)state;
  const creche_auth cases[] = {
      {0, CRECHE_AUTH_BASIC, "u", "p", NULL, NULL, NULL, NULL},
      {sizeof(creche_auth), 0, "u", "p", NULL, NULL, NULL, NULL},
      {sizeof(creche_auth), 8, "u", "p", NULL, NULL, NULL, NULL},
      {sizeof(creche_auth), CRECHE_AUTH_BASIC | CRECHE_AUTH_BEARER, "u", "p", "t", NULL, NULL,
       NULL},
      {sizeof(creche_auth), CRECHE_AUTH_BASIC, NULL, "secret", NULL, NULL, NULL, NULL},
      {sizeof(creche_auth), CRECHE_AUTH_BASIC, "u:secret", "p", NULL, NULL, NULL, NULL},
      {sizeof(creche_auth), CRECHE_AUTH_BASIC, "u", "secret\n", NULL, NULL, NULL, NULL},
      {sizeof(creche_auth), CRECHE_AUTH_BASIC, "u", "p", "secret", NULL, NULL, NULL},
      {sizeof(creche_auth), CRECHE_AUTH_BEARER, NULL, NULL, NULL, NULL, NULL, NULL},
      {sizeof(creche_auth), CRECHE_AUTH_BEARER, NULL, NULL, "secret\r\nX: y", NULL, NULL, NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    creche_session_options o = session_options();
    creche_request_options ro = request_options();
    creche_session opened;
    o.auth = ro.auth = &cases[i];
    if (creche_session_open(loop, &o, &opened) != CRECHE_E_INVALID) fail_msg("number %zu", i);
    assert_null(strstr(creche_last_error()->message, "secret"));
    creche_completion c = fetch("http://127.0.0.1:1/", &ro);
    assert_null(strstr(c.error->message, "secret"));
    expect_failure(c, CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(basic),   TEST(digests),         TEST(wrong_and_old), TEST(basic_if_nothing_better),
      TEST(bearers), TEST(never_elsewhere), TEST(proxies),       TEST(netrc),
      TEST(misuse),
  };
  return cmocka_run_group_tests_name("auth", tests, make_tls, free_tls);
}
