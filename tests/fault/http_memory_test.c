/* HTTP without memory: plain, over TLS, with codings. See no_memory.h. */
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "no_memory.h"

static support_nginx* nginx;

static void use_web(const char* base, const char* ca_file) {
  creche_session web;
  creche_session_options o;
  creche_request_options r;
  creche_group_options g;
  creche_group group = {{0}};
  creche_response response;
  mark *head, *m, *group_mark;
  char url[256];
  creche_session_options_init(&o, sizeof o);
  o.ca_file = ca_file;
  if (!TRY(creche_session_open(loop, &o, &web))) return;
  creche_request_options_init(&r, sizeof r);
  snprintf(url, sizeof url, "%s/small", base);
  m = START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL));
  if (ended(m) == CRECHE_OK && m->size != 1024) note_trouble("/small", "is cut");
  m = START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL));
  if (ended(m) == CRECHE_OK && m->size != 1024) note_trouble("/small", "is cut");
  /* Two at a time in a group, one of them redirected, one coded. */
  creche_group_options_init(&g, sizeof g);
  g.policy = CRECHE_COLLECT;
  group_mark = START(creche_group_open(loop.scope, &g, tell, fresh(), &group));
  if (group_mark != NULL) {
    snprintf(url, sizeof url, "%s/moved", base);
    START(creche_session_fetch(web, group.scope, url, &r, tell, fresh(), NULL));
    snprintf(url, sizeof url, "%s/gzip/own/small", base);
    START(creche_session_fetch(web, group.scope, url, &r, tell, fresh(), NULL));
    TRY(creche_group_close(group));
    ended(group_mark);
  }
  creche_loop_dump(loop, CRECHE_DUMP_JSON, text, sizeof text, NULL);
  /* A stream, and an upload. */
  snprintf(url, sizeof url, "%s/small", base);
  head = START(creche_session_send(web, loop.scope, url, &r, tell, fresh(), NULL));
  if (ended(head) == CRECHE_OK) {
    response.id = head->value;
    for (m = head; m != NULL && m->kind != CRECHE_END;) {
      m = START(creche_response_read(response, loop.scope, 300, NULL, tell, fresh(), NULL));
      if (ended(m) != CRECHE_OK || used > kMarks - 8) break;
    }
    creche_response_release(response);
  }
  creche_loop_dump(loop, CRECHE_DUMP_DOT, text, sizeof text, NULL);
  memory_is_back();
  must_be_ok(START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL)));
  if (START(creche_session_close(web, tell, fresh())) != NULL) ended(&marks[used - 1]);
  creche_session_release(web);
}
static void plain(void) {
  use_web(support_nginx_http_url(nginx), NULL);
}
static void tls(void) {
  char url[100];
  snprintf(url, sizeof url, "https://127.0.0.1:%d", support_nginx_https_port(nginx));
  use_web(url, support_nginx_ca_file(nginx));
}
/* The authority is in the system's directory, from which OpenSSL reads what a handshake needs. */
static void system_tls(void) {
  char url[100];
  snprintf(url, sizeof url, "https://127.0.0.1:%d", support_nginx_https_port(nginx));
  use_web(url, NULL);
}

/* The same text, coded: 40 lines "line <i> of a text that repeats itself". */
enum { kCodedSize = 1510 };
#define CODED(name, bytes) \
  { name, bytes, sizeof bytes - 1 }
static const struct coded {
  const char* name;
  const char* bytes;
  size_t size;
} codings[] = {
    CODED("deflate",
          "\x78\xda\x8d\xd4\xbb\x0d\x02\x41\x10\x04\x51\x9f\x28\x26\x04\xa6\x9b\x6f"
          "\x38\x6b\xcc\xe9\x4e\x5a\x01\xe2\xc6\x20\x7c\x44\x04\x94\x5f\xd6\x53\xab"
          "\xe7\xf6\xa8\x38\xc6\x73\x89\x11\x5d\x9f\x8e\x5e\x47\xc7\xbb\x5e\x35\x7a"
          "\x8f\xad\xf7\x9a\xcb\x61\xfe\xa2\x24\x91\x48\x64\x12\x9d\x48\x74\x26\xd1"
          "\x85\x44\x57\x12\xdd\x48\x74\x47\x98\x8c\x1c\x99\x27\x42\x4f\xa4\x9e\x88"
          "\x3d\x91\x7b\x22\xf8\x44\xf2\x89\xe8\x13\xd9\x0b\xd9\x8b\xed\x1d\xd9\x0b"
          "\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x1b\xd9\x1b\xd9\x9b"
          "\x9d\x0d\xb2\x37\xb2\x37\xb2\x37\xb2\x37\xb2\x37\xb2\xf7\x3f\xfb\x2f\xb5"
          "\x68\x0b\x17"),
    CODED("gzip",
          "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x8d\xd4\xbb\x0d\x02\x41\x10\x04"
          "\x51\x9f\x28\x26\x04\xa6\x9b\x6f\x38\x6b\xcc\xe9\x4e\x5a\x01\xe2\xc6\x20"
          "\x7c\x44\x04\x94\x5f\xd6\x53\xab\xe7\xf6\xa8\x38\xc6\x73\x89\x11\x5d\x9f"
          "\x8e\x5e\x47\xc7\xbb\x5e\x35\x7a\x8f\xad\xf7\x9a\xcb\x61\xfe\xa2\x24\x91"
          "\x48\x64\x12\x9d\x48\x74\x26\xd1\x85\x44\x57\x12\xdd\x48\x74\x47\x98\x8c"
          "\x1c\x99\x27\x42\x4f\xa4\x9e\x88\x3d\x91\x7b\x22\xf8\x44\xf2\x89\xe8\x13"
          "\xd9\x0b\xd9\x8b\xed\x1d\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b"
          "\xd9\x0b\xd9\x1b\xd9\x1b\xd9\x9b\x9d\x0d\xb2\x37\xb2\x37\xb2\x37\xb2\x37"
          "\xb2\x37\xb2\xf7\x3f\xfb\x2f\x2a\x7e\x10\x78\xe6\x05\x00\x00"),
    CODED("br",
          "\x1b\xe5\x05\x68\x1c\x09\x36\x8e\x72\xab\x1a\x3b\x8f\x50\xe9\x2a\x1e\x92"
          "\x0e\x30\xaf\xcf\x70\xf1\xd6\x20\x0a\x66\x73\x89\x26\x07\x40\x87\x8f\xd2"
          "\xb2\x34\xa3\xc4\xab\x0e\xb1\x0b\x9e\xd1\x49\xe9\xc0\x9b\xef\x83\xf6\x62"
          "\x2f\x98\x1c\x93\xc5\xe6\x70\x71\xf3\xf0\xf2\xfd\x09\x9c\x2e\xb7\xc7\xcb"
          "\xdb\xc7\x97\x2f\x17\x9c\x2e\xb7\xc7\xcb\xdb\xc7\x97\x2f\x37\x9c\x2e\xb7"
          "\xc7\xcb\xdb\xc7\x57\x0e"),
    CODED("zstd",
          "\x28\xb5\x2f\xfd\x04\x68\x8d\x03\x00\x62\x85\x10\x11\xa0\xed\x00\xaa\x39"
          "\x69\xda\xaa\xba\x9f\xdd\x9a\x94\xc5\xfd\x6e\x8e\xc7\x14\x32\x04\xaf\x06"
          "\xfe\x31\x85\x0c\xc1\xab\x61\x7f\x4c\x21\x43\xf0\xaa\xfe\xdc\xbc\x9c\x7c"
          "\x5c\xf0\x2a\x50\x2d\xc9\x66\x97\x8d\x12\x4c\xf1\x8d\x56\xbf\x67\xea\xa3"
          "\xab\xf7\xf0\xe4\x58\x0b\x28\xa8\x11\x30\x6b\xfb\xdf\x01\xe0\x35\xab\x01"
          "\x11\x34\x04\xff\xff\x0c\x41\xe9\x07\xa0\x4c\x8b\x82\x10\x4e\x01\x14\x40"
          "\x69\x4b\xbb\xa7\x24\x08\x04\x6f\x3f\x86\xa2\x55\xaa\x01\xdd\x19\x18\xd3"),
};
enum { kCodings = sizeof codings / sizeof *codings };
static void coded(void) {
  creche_session web;
  creche_request_options r;
  creche_response response;
  mark *head, *m;
  char url[256];
  int i;
  if (!TRY(creche_session_open(loop, NULL, &web))) return;
  creche_request_options_init(&r, sizeof r);
  for (i = 0; i < kCodings; i++) {
    snprintf(url, sizeof url, "%s/%s", support_nginx_http_url(nginx), codings[i].name);
    m = START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL));
    if (ended(m) == CRECHE_OK && m->size != kCodedSize) note_trouble(url, "is cut");
    head = START(creche_session_send(web, loop.scope, url, &r, tell, fresh(), NULL));
    if (ended(head) != CRECHE_OK) continue;
    response.id = head->value;
    for (m = head; m != NULL && m->kind != CRECHE_END;) {
      m = START(creche_response_read(response, loop.scope, 800, NULL, tell, fresh(), NULL));
      if (ended(m) != CRECHE_OK) break;
    }
    creche_response_release(response);
  }
  memory_is_back();
  for (i = 0; i < kCodings; i++) {
    snprintf(url, sizeof url, "%s/%s", support_nginx_http_url(nginx), codings[i].name);
    must_be_ok(START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL)));
  }
  creche_session_release(web);
}

/* Files both ways, records, a middleware and a watch, settings of TLS. */
static void decide(void* user, const creche_turn* turn) {
  (void)user;
  while (creche_session_decide(turn->session, turn->id, NULL) == CRECHE_E_NO_MEMORY) continue;
}
static void watched(void* user, const creche_request_event* event) {
  (void)user, (void)event;
}
static void files(void) {
  creche_session web = {0};
  creche_session_options o;
  creche_request_options r;
  creche_middleware between;
  creche_watch watch;
  creche_tls_options t;
  creche_tls tls_settings = {0};
  creche_file file;
  mark* m;
  char url[256];
  spared++;
  FILE* here = tmpfile();
  spared--;
  memset(&file, 0, sizeof file);
  file.fd = fileno(here);
  file.size = CRECHE_TO_THE_END;
  creche_session_options_init(&o, sizeof o);
  creche_middleware_init(&between, sizeof between);
  between.ask = decide;
  creche_watch_init(&watch, sizeof watch);
  watch.tell = watched;
  creche_tls_options_init(&t, sizeof t);
  t.ca_file = support_nginx_ca_file(nginx);
  if (TRY(creche_tls_open(&t, &tls_settings))) o.tls = tls_settings;
  o.middleware = &between;
  o.watch = &watch;
  if (!TRY(creche_session_open(loop, &o, &web))) goto end;
  snprintf(url, sizeof url, "https://127.0.0.1:%d/small", support_nginx_https_port(nginx));
  creche_request_options_init(&r, sizeof r);
  r.to_file = &file;
  if (tls_settings.id != 0)
    ended(START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL)));
  snprintf(url, sizeof url, "%s/small", support_nginx_http_url(nginx));
  ended(START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL)));
  creche_request_options_init(&r, sizeof r);
  r.body_file = &file;
  ended(START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL)));
  m = START(creche_session_send(web, loop.scope, url, NULL, tell, fresh(), NULL));
  if (ended(m) == CRECHE_OK) {
    const creche_response response = {m->value};
    if (ended(START(creche_response_read_exactly(response, loop.scope, 100, NULL, tell, fresh(),
                                                 NULL))) == CRECHE_OK)
      ended(START(creche_response_read_until(response, loop.scope, "\n", 1, 2000, NULL, tell,
                                             fresh(), NULL)));
    creche_response_release(response);
  }
  memory_is_back();
  must_be_ok(START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL)));
end:
  creche_session_release(web);
  creche_tls_release(tls_settings);
  spared++;
  fclose(here);
  spared--;
}

static const scenario scenarios[] = {{"plain", plain, 0},
                                     {"tls", tls, 0},
                                     {"system_tls", system_tls, 0},
                                     {"coded", coded, 0},
                                     {"files", files, 0}};
static void http_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[0]);
}
static void tls_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[1]);
}
static void system_tls_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[2]);
}
static void codings_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[3]);
}

static void files_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[4]);
}

static char folder[] = "/tmp/creche-memory-XXXXXX";
static int write_codings(void) {
  char path[sizeof folder + 20];
  int i, failed = mkdtemp(folder) == NULL || chmod(folder, 0755) != 0;
  for (i = 0; i < kCodings && !failed; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, codings[i].name);
    FILE* file = fopen(path, "wb");
    failed = file == NULL || fwrite(codings[i].bytes, 1, codings[i].size, file) != codings[i].size;
    if (file != NULL) failed |= fclose(file) != 0;
  }
  return failed;
}
/* So that the authority is found by its name, as c_rehash(1) does it, and nothing else is. */
static char authority[sizeof folder + 20];
static int install_authority(void) {
  FILE* file = fopen(support_nginx_ca_file(nginx), "r");
  X509* certificate = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
  if (file != NULL) fclose(file);
  if (certificate == NULL) return -1;
  snprintf(authority, sizeof authority, "%s/%08lx.0", folder, X509_subject_name_hash(certificate));
  X509_free(certificate);
  setenv("SSL_CERT_DIR", folder, 1);
  setenv("SSL_CERT_FILE", "/nonexistent", 1);
  return symlink(support_nginx_ca_file(nginx), authority);
}
static void remove_folder(void) {
  char path[sizeof folder + 20];
  int i;
  unlink(authority);
  for (i = 0; i < kCodings; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, codings[i].name);
    unlink(path);
  }
  rmdir(folder);
}
static int start(void** state) {
  static const char kConfig[] =
      "location = /deflate { add_header Content-Encoding deflate; }"
      "location = /gzip { add_header Content-Encoding gzip; }"
      "location = /br { add_header Content-Encoding br; }"
      "location = /zstd { add_header Content-Encoding zstd; }"
      "location = /moved { return 302 /small; }"
      "location /gzip/ { gzip on; gzip_min_length 1; gzip_types *; alias ./; }";
  struct addrinfo* found = NULL;
  (void)state;
  if (write_codings() != 0) return -1;
  nginx = support_nginx_start(&(support_nginx_options){.root = folder, .server_config = kConfig});
  if (nginx == NULL || install_authority() != 0) return -1;
  /* The C library's own first times end the process if memory fails in them. */
  if (getaddrinfo("localhost", NULL, NULL, &found) == 0) freeaddrinfo(found);
  return 0;
}
static int stop(void** state) {
  (void)state;
  support_nginx_stop(nginx);
  remove_folder();
  return 0;
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(http_without_memory),       cmocka_unit_test(tls_without_memory),
      cmocka_unit_test(system_tls_without_memory), cmocka_unit_test(codings_without_memory),
      cmocka_unit_test(files_without_memory),
  };
  if (argc == 4)
    return run_by_hand(argv, scenarios, sizeof scenarios / sizeof *scenarios, start, stop);
  return cmocka_run_group_tests(tests, start, stop);
}
