#include "nginx.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "process.h"
#include "relay.h"
#include "tls.h"

enum { kHttp, kHttps, kHttp2, kWrongName, kExpired, kPorts };
static const off_t kMiddle = 64 * 1024;
static const off_t kBig = 64 * 1024 * 1024;

struct support_nginx {
  char *folder, *log, *ca_file, *client_cert, *client_key;
  char* urls[kPorts];
  int ports[kPorts];
  pid_t pid;
};

static int make_bodies(const support_nginx* server) {
  char small[1025];
  for (int i = 0; i < 1024; i++) small[i] = (char)((i + 1) % 64 == 0 ? '\n' : 'a' + i % 26);
  small[1024] = 0;
  char* own = support_format("%s/own", server->folder);
  char* empty = support_format("%s/empty", server->folder);
  char* small_path = support_format("%s/small", own);
  char* middle_path = support_format("%s/middle", own);
  char* big_path = support_format("%s/big", own);
  const int done = mkdir(own, 0755) == 0 && mkdir(empty, 0755) == 0 &&
                   support_write_file(small_path, small) == 0 &&
                   support_write_file(middle_path, "") == 0 &&
                   truncate(middle_path, kMiddle) == 0 && support_write_file(big_path, "") == 0 &&
                   truncate(big_path, kBig) == 0;
  free(own);
  free(empty);
  free(small_path);
  free(middle_path);
  free(big_path);
  return done ? 0 : -1;
}

static int configure(const support_nginx* server, const support_nginx_options* options) {
  struct rlimit files = {1024, 1024};
  getrlimit(RLIMIT_NOFILE, &files);
  const long connections = files.rlim_max > 65536 ? 65536 : (long)files.rlim_max;
  char* path = support_format("%s/nginx.conf", server->folder);
  char* empty = support_format("%s/empty", server->folder);
  const int* ports = server->ports;
  char* text = support_format(
      "daemon off;\n%sworker_processes %d;\npid nginx.pid;\nerror_log stderr warn;\n"
      "worker_rlimit_nofile %ld;\nevents { worker_connections %ld; }\n"
      "http {\n"
      "  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; autoindex off;\n"
      "  keepalive_timeout 75s; keepalive_requests 1000000000; server_tokens off;\n"
      "  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;\n"
      "  uwsgi_temp_path tmp; scgi_temp_path tmp;\n"
      "  types { text/html html; text/plain txt; application/json json; text/css css; }\n"
      "  default_type application/octet-stream;\n"
      "  server {\n"
      "    listen 127.0.0.1:%d backlog=4096;\n"
      "    listen 127.0.0.1:%d ssl%s backlog=4096;\n"
      "    listen 127.0.0.1:%d http2 backlog=4096;\n"
      "    server_name localhost; root \"%s\";\n"
      "    ssl_certificate server.pem; ssl_certificate_key server.key;\n"
      "    ssl_session_cache shared:tls:1m;\n"
      "    location = /small { root own; default_type text/plain; }\n"
      "    location = /middle { root own; }\n"
      "    location = /big { root own; }\n"
      "    %s\n"
      "  }\n"
      "  server { listen 127.0.0.1:%d ssl; ssl_certificate wrong.pem;\n"
      "    ssl_certificate_key wrong.key; location / { return 204; } }\n"
      "  server { listen 127.0.0.1:%d ssl; ssl_certificate expired.pem;\n"
      "    ssl_certificate_key expired.key; location / { return 204; } }\n"
      "  %s\n"
      "}\n",
      geteuid() == 0 ? "user root;\n" : "", options->workers > 0 ? options->workers : 1,
      connections, connections, ports[kHttp], ports[kHttps], options->http2 ? " http2" : "",
      ports[kHttp2], options->root != NULL ? options->root : empty,
      options->server_config != NULL ? options->server_config : "", ports[kWrongName],
      ports[kExpired], options->http_config != NULL ? options->http_config : "");
  const int done = support_write_file(path, text);
  free(path);
  free(empty);
  free(text);
  return done;
}

/* 1 if there is a worker: the master alone takes connections, too, and answers nobody. */
static int answers(int port) {
  static const char request[] = "GET / HTTP/1.0\r\n\r\n";
  const struct timeval patience = {15, 0};
  const int fd = support_dial(port);
  char byte;
  if (fd < 0) return 0;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const int done =
      send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 && recv(fd, &byte, 1, 0) >= 0;
  close(fd);
  return done;
}

static int bring_up(support_nginx* server) {
  const support_user self = {geteuid(), getegid()};
  char* prefix = support_format("%s/", server->folder);
  const char* const argv[] = {access("/usr/sbin/nginx", X_OK) == 0 ? "/usr/sbin/nginx" : "nginx",
                              "-p",
                              prefix,
                              "-c",
                              "nginx.conf",
                              "-e",
                              "stderr",
                              NULL};
  /* SIGTERM: a fast shutdown, by which the master takes its workers along. */
  const pid_t pid = support_spawn(argv, self, server->folder, server->log, SIGTERM);
  free(prefix);
  const int64_t deadline = support_now_ms() + 15000;
  while (pid > 0 && !answers(server->ports[kHttp])) {
    if (support_has_ended(pid)) return -1;
    if (support_now_ms() > deadline) {
      support_end(pid, SIGTERM);
      return -1;
    }
    support_pause();
  }
  server->pid = pid > 0 ? pid : 0;
  return pid > 0 ? 0 : -1;
}

support_nginx* support_nginx_start(const support_nginx_options* options) {
  const support_nginx_options defaults = {NULL, NULL, NULL, 0, 0};
  const support_user self = {geteuid(), getegid()};
  if (options == NULL) options = &defaults;
  support_nginx* server = calloc(1, sizeof *server);
  if (server == NULL) abort();
  server->folder = support_folder_make((uid_t)-1, (gid_t)-1);
  if (server->folder == NULL) {
    free(server);
    return NULL;
  }
  server->log = support_format("%s/log", server->folder);
  server->ca_file = support_format("%s/ca.pem", server->folder);
  server->client_cert = support_format("%s/client.pem", server->folder);
  server->client_key = support_format("%s/client.key", server->folder);
  for (int i = 0; i < kPorts; i++) {
    server->ports[i] = support_free_port();
    server->urls[i] =
        support_format(i == kHttp || i == kHttp2 ? "http://127.0.0.1:%d" : "https://localhost:%d",
                       server->ports[i]);
  }
  if (support_tls_make(server->folder, self) == 0 && make_bodies(server) == 0 &&
      configure(server, options) == 0 && bring_up(server) == 0)
    return server;
  support_complain("nginx did not start:");
  support_show_file(server->log);
  support_nginx_stop(server);
  return NULL;
}

void support_nginx_stop(support_nginx* server) {
  if (server == NULL) return;
  support_nginx_thaw(server);
  support_end(server->pid, SIGTERM);
  support_folder_remove(server->folder);
  for (int i = 0; i < kPorts; i++) free(server->urls[i]);
  free(server->folder);
  free(server->log);
  free(server->ca_file);
  free(server->client_cert);
  free(server->client_key);
  free(server);
}

void support_nginx_freeze(support_nginx* server) {
  if (server->pid > 0) support_signal_family(server->pid, SIGSTOP);
}

void support_nginx_thaw(support_nginx* server) {
  if (server->pid > 0) support_signal_family(server->pid, SIGCONT);
}

const char* support_nginx_http_url(const support_nginx* server) {
  return server->urls[kHttp];
}
const char* support_nginx_https_url(const support_nginx* server) {
  return server->urls[kHttps];
}
const char* support_nginx_http2_url(const support_nginx* server) {
  return server->urls[kHttp2];
}
const char* support_nginx_wrong_name_url(const support_nginx* server) {
  return server->urls[kWrongName];
}
const char* support_nginx_expired_url(const support_nginx* server) {
  return server->urls[kExpired];
}
int support_nginx_http_port(const support_nginx* server) {
  return server->ports[kHttp];
}
int support_nginx_https_port(const support_nginx* server) {
  return server->ports[kHttps];
}
const char* support_nginx_ca_file(const support_nginx* server) {
  return server->ca_file;
}
const char* support_nginx_client_cert_file(const support_nginx* server) {
  return server->client_cert;
}
const char* support_nginx_client_key_file(const support_nginx* server) {
  return server->client_key;
}
