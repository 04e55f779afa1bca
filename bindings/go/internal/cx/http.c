#include "inside.h"

#include <stdlib.h>
#include <string.h>

/* Parameters of a URL, unpacked as header fields. NULL: no memory. */
static creche_param *params_of(const creche_header *unpacked, size_t n, creche_param few[FEW])
{
  creche_param *params = n > FEW ? malloc(n * sizeof *params) : few;
  size_t i;
  for (i = 0; params != NULL && i < n; i++) {
    params[i].name = unpacked[i].name;
    params[i].value = unpacked[i].value;
    params[i].value_size = unpacked[i].value_size;
  }
  return params;
}

/* Fields of a form, unpacked as three header fields each. NULL: no memory. */
static creche_part *parts_of(const creche_header *unpacked, const cx_part *form, size_t n,
                             creche_part few[FEW])
{
  creche_part *parts = n > FEW ? malloc(n * sizeof *parts) : few;
  size_t i;
  for (i = 0; parts != NULL && i < n; i++, unpacked += 3) {
    parts[i].filename = *unpacked[0].name != '\0' ? unpacked[0].name : NULL;
    parts[i].type = *unpacked[1].name != '\0' ? unpacked[1].name : NULL;
    parts[i].name = unpacked[2].name;
    parts[i].file = form[i].file.fd >= 0 ? &form[i].file : NULL;
    parts[i].value = parts[i].file == NULL ? unpacked[2].value : NULL;
    parts[i].value_size = parts[i].file == NULL ? unpacked[2].value_size : 0;
  }
  return parts;
}

cx_answer cx_url_join(const char *text, char *joined, size_t capacity)
{
  size_t size = 0;
  const creche_status status = creche_url_join(text, text + strlen(text) + 1, joined, capacity, &size);
  const uint64_t id = size;
  return answer(status, &id);
}

/* The text at *at, or NULL if it is empty; *at goes to the next. */
static const char *next_text(const char **at)
{
  const char *text = *at;
  *at += strlen(text) + 1;
  return *text != '\0' ? text : NULL;
}

/* auth as its texts are packed; false: none. */
static int unpack_auth(const char **at, creche_auth *auth)
{
  const char *schemes = next_text(at), *user = next_text(at), *secret = next_text(at);
  memset(auth, 0, sizeof *auth);
  auth->size = sizeof *auth;
  if (schemes == NULL) return 0;
  auth->schemes = (uint32_t)atoi(schemes);
  if (auth->schemes == CRECHE_AUTH_BEARER) {
    auth->token = secret;
    if (user != NULL) { /* the number of who is asked */
      auth->ask = cx_token_asked;
      auth->refresh_user = (void *)(uintptr_t)strtoull(user, NULL, 10);
    }
  } else {
    auth->user = user != NULL ? user : "";
    auth->password = secret;
  }
  return 1;
}

/* NULL: nobody is told. */
static const creche_watch *watched_by(uint64_t number, creche_watch *watch)
{
  if (number == 0) return NULL;
  creche_watch_init(watch, sizeof *watch);
  watch->tell = cx_watched;
  watch->user = (void *)(uintptr_t)number;
  return watch;
}

cx_answer cx_session_open(uint64_t id, creche_session_options o, const char *user_agent,
                          const char *ca_file, const char *base_url, creche_retry retry,
                          const uint16_t *statuses, const char *headers, const char *route,
                          uint64_t watch, uint64_t middleware, creche_socket_options sockets, uint64_t opened)
{
  creche_middleware between;
  creche_watch watched;
  creche_loop loop = {{id}};
  creche_session session = {0};
  creche_header few[FEW], *unpacked = unpack(headers, o.headers_count + o.proxy_headers_count, few);
  creche_mapped_host *hosts;
  creche_auth auth;
  size_t i;
  cx_answer a;
  if (unpacked == NULL) return no_memory();
  o.headers = unpacked;
  if (user_agent != NULL) o.user_agent = user_agent;
  if (ca_file != NULL) o.ca_file = ca_file;
  if (base_url != NULL) o.base_url = base_url;
  o.proxy_headers = unpacked + o.headers_count;
  o.proxy = next_text(&route);
  o.no_proxy = next_text(&route);
  retry.statuses = statuses;
  if (retry.size != 0) o.retry = &retry;
  o.unix_path = next_text(&route);
  o.local_address = next_text(&route);
  o.redirect_hosts = next_text(&route);
  sockets.interface_name = next_text(&route);
  o.private_headers = next_text(&route);
  if (opened != 0) sockets.opened = cx_opened;
  sockets.user = (void *)(uintptr_t)opened;
  if (sockets.size != 0) o.sockets = &sockets;
  o.watch = watched_by(watch, &watched);
  if (middleware != 0) {
    creche_middleware_init(&between, sizeof between);
    between.ask = cx_turned;
    between.user = (void *)(uintptr_t)middleware;
    o.middleware = &between;
  }
  if (unpack_auth(&route, &auth)) o.auth = &auth;
  hosts = malloc((o.hosts_count + 1) * sizeof *hosts);
  for (i = 0; hosts != NULL && i < o.hosts_count; i++) {
    hosts[i].host = next_text(&route);
    hosts[i].to = next_text(&route);
  }
  o.hosts = hosts;
  a = hosts != NULL ? answer(creche_session_open(loop, &o, &session), &session.id) : no_memory();
  free(hosts);
  if (unpacked != few) free(unpacked);
  return a;
}

/* Starts something with a request whose options are whole; more: what else it needs. */
typedef creche_status (*start)(creche_session session, cx_tail tail, const char *url,
                               const creche_request_options *o, const void *more, creche_task *task);

static cx_answer with_request(start call, const void *more, uint64_t id, cx_tail tail,
                              creche_request_options o, cx_body body, const uint16_t *statuses,
                              const cx_part *form, const char *text, const char *way, const void *bytes)
{
  creche_session session = {id};
  const creche_task_options to = options_of(tail);
  const char *method = text + strlen(text) + 1, *packed = method + strlen(method) + 1;
  creche_header few[FEW], *headers = unpack(packed, o.headers_count + o.params_count + 3 * o.form_count, few);
  creche_part few_parts[FEW], *parts;
  creche_param few_params[FEW], *params;
  creche_auth auth;
  creche_watch watched;
  creche_task task = {{0}};
  creche_status status;
  cx_answer a;
  if (headers == NULL) return no_memory();
  params = params_of(headers + o.headers_count, o.params_count, few_params);
  parts = params != NULL ? parts_of(headers + o.headers_count + o.params_count, form, o.form_count, few_parts) : NULL;
  if (parts == NULL) {
    if (params != few_params) free(params);
    if (headers != few) free(headers);
    return no_memory();
  }
  if (form != NULL) o.form = parts;
  if (body.file.fd >= 0) o.body_file = &body.file;
  if (body.to_file.fd >= 0) o.to_file = &body.to_file;
  if (*method != '\0') o.method = method;
  o.headers = headers;
  o.params = params;
  o.body = bytes;
  o.watch = watched_by(body.watch, &watched);
  body.retry.statuses = statuses;
  if (body.retry.size != 0) o.retry = &body.retry;
  if (way != NULL) {
    o.proxy = next_text(&way);
    o.unix_path = next_text(&way);
    o.private_headers = next_text(&way);
    if (unpack_auth(&way, &auth)) o.auth = &auth;
  }
  o.task = &to;
  status = call(session, tail, text, &o, more, &task);
  a = answer(status, &task.scope.id);
  if (parts != few_parts) free(parts);
  if (params != few_params) free(params);
  if (headers != few) free(headers);
  return a;
}

static creche_status start_http(creche_session session, cx_tail tail, const char *url,
                                const creche_request_options *o, const void *whole, creche_task *task)
{
  return (whole != NULL ? creche_session_fetch : creche_session_send)(session, scope_of(tail.in), url, o,
                                                                      NULL, user_of(tail), task);
}

cx_answer cx_http(uint64_t id, cx_tail tail, int32_t whole, creche_request_options o, cx_body body,
                  const uint16_t *statuses, const cx_part *form, const char *text, const char *way,
                  const void *bytes)
{
  return with_request(start_http, whole ? &id : NULL, id, tail, o, body, statuses, form, text, way, bytes);
}

static creche_status start_warm_up(creche_session session, cx_tail tail, const char *url,
                                   const creche_request_options *o, const void *count, creche_task *task)
{
  return creche_session_warm_up(session, scope_of(tail.in), url, *(const uint32_t *)count, o, NULL,
                                user_of(tail), task);
}

cx_answer cx_warm_up(uint64_t id, cx_tail tail, uint32_t count, creche_request_options o, cx_body body,
                     const uint16_t *statuses, const cx_part *form, const char *text, const char *way,
                     const void *bytes)
{
  return with_request(start_warm_up, &count, id, tail, o, body, statuses, form, text, way, bytes);
}

static creche_status start_events(creche_session session, cx_tail tail, const char *url,
                                  const creche_request_options *o, const void *more, creche_task *task)
{
  creche_events_options e = *(const creche_events_options *)more;
  e.request = o;
  return creche_session_events(session, scope_of(tail.in), url, &e, NULL, user_of(tail), task);
}

cx_answer cx_events(uint64_t id, cx_tail tail, creche_request_options o, cx_body body,
                    const uint16_t *statuses, const cx_part *form, creche_events_options e,
                    const char *text, const char *way, const char *last_id, const void *bytes)
{
  e.last_event_id = last_id;
  return with_request(start_events, &e, id, tail, o, body, statuses, form, text, way, bytes);
}

static creche_status start_websocket(creche_session session, cx_tail tail, const char *url,
                                     const creche_request_options *o, const void *more, creche_task *task)
{
  creche_websocket_options w = *(const creche_websocket_options *)more;
  w.request = o;
  return creche_session_websocket(session, scope_of(tail.in), url, &w, NULL, user_of(tail), task);
}

cx_answer cx_websocket(uint64_t id, cx_tail tail, creche_request_options o, cx_body body,
                       const uint16_t *statuses, const cx_part *form, creche_websocket_options w,
                       const char *text, const char *way, const char *protocols, const void *bytes)
{
  const char *few[FEW], **names = w.protocols_count > FEW ? malloc(w.protocols_count * sizeof *names) : few;
  cx_answer a;
  size_t i;
  if (names == NULL) return no_memory();
  for (i = 0; i < w.protocols_count; i++) {
    names[i] = protocols;
    protocols += strlen(protocols) + 1;
  }
  w.protocols = names;
  a = with_request(start_websocket, &w, id, tail, o, body, statuses, form, text, way, bytes);
  if (names != few) free(names);
  return a;
}

cx_answer cx_jar_open(void)
{
  creche_cookie_jar jar = {0};
  const creche_status status = creche_cookie_jar_open(NULL, &jar);
  return answer(status, &jar.id);
}

cx_answer cx_jar_receive(uint64_t id, const char *text)
{
  creche_cookie_jar jar = {id};
  return answer(creche_cookie_jar_receive(jar, text, text + strlen(text) + 1), NULL);
}

cx_answer cx_jar_clear(uint64_t id, const char *domain)
{
  creche_cookie_jar jar = {id};
  return answer(creche_cookie_jar_clear(jar, domain), NULL);
}

cx_answer cx_jar_text(uint64_t id, uint32_t form, const char *url, char *text, size_t capacity)
{
  creche_cookie_jar jar = {id};
  size_t size = 0;
  const creche_status status = form == 0 ? creche_cookie_jar_get(jar, url, text, capacity, &size)
                                         : creche_cookie_jar_export(jar, form, text, capacity, &size);
  const uint64_t whole = size;
  return answer(status == CRECHE_E_LIMIT ? CRECHE_OK : status, &whole);
}

cx_answer cx_jar_import(uint64_t id, uint32_t form, const char *text, size_t size)
{
  creche_cookie_jar jar = {id};
  return answer(creche_cookie_jar_import(jar, form, text, size), NULL);
}

cx_answer cx_jar_file(uint64_t id, uint32_t form, const char *path, int32_t save)
{
  creche_cookie_jar jar = {id};
  return answer((save ? creche_cookie_jar_save : creche_cookie_jar_load)(jar, form, path), NULL);
}

cx_answer cx_read(uint64_t id, cx_tail tail, size_t capacity)
{
  creche_response response = {id};
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_response_read(response, scope_of(tail.in), capacity, &o, NULL, user_of(tail), &task),
                &task.scope.id);
}

static size_t pack(char *buffer, size_t capacity, size_t at, const char *name, const char *value,
                   uint32_t size)
{
  const size_t name_size = strlen(name) + 1, need = sizeof size + name_size + size;
  if (at + need <= capacity) {
    memcpy(buffer + at, &size, sizeof size);
    memcpy(buffer + at + sizeof size, name, name_size);
    if (size != 0) memcpy(buffer + at + sizeof size + name_size, value, size);
  }
  return at + need;
}

int64_t cx_response_head(uint64_t id, char *buffer, size_t capacity, int32_t release)
{
  creche_response response = {id};
  const char *url = creche_response_url(response);
  creche_header header;
  size_t at, i;
  if (url == NULL) {
    const int32_t status = creche_response_status(response);
    return status < 0 ? status : CRECHE_E_INTERNAL;
  }
  at = pack(buffer, capacity, 0, "", url, (uint32_t)strlen(url));
  for (i = 0; creche_response_header_at(response, i, &header) == CRECHE_OK; i++)
    at = pack(buffer, capacity, at, header.name, header.value, (uint32_t)header.value_size);
  if (release) { /* it is whole */
    for (i = 0; creche_response_trailer_at(response, i, &header) == CRECHE_OK; i++) {
      if (i == 0) at = pack(buffer, capacity, at, "\n", "", 0);
      at = pack(buffer, capacity, at, header.name, header.value, (uint32_t)header.value_size);
    }
    if (at <= capacity) creche_response_release(response);
  }
  return (int64_t)at;
}

int64_t cx_response_trailer(uint64_t id, char *buffer, size_t capacity)
{
  creche_header header;
  size_t at = 0, i;
  for (i = 0; creche_response_trailer_at((creche_response){id}, i, &header) == CRECHE_OK; i++)
    at = pack(buffer, capacity, at, header.name, header.value, (uint32_t)header.value_size);
  return (int64_t)at;
}

/* Texts: peer, local, TLS version and cipher, each with its NUL, then the certificates as header fields. */
int64_t cx_response_info(uint64_t id, creche_response_info *info, char *buffer, size_t capacity)
{
  const creche_response response = {id};
  const creche_status status = creche_response_get_info(response, info, sizeof *info);
  const char *texts[] = {info->peer, info->local, info->tls_version, info->tls_cipher, info->alpn, info->reason, info->method};
  size_t at = 0, i, size = 0;
  if (status != CRECHE_OK) return status;
  for (i = 0; i < 7; i++) at = pack(buffer, capacity, at, texts[i] ? texts[i] : "", "", 0);
  for (i = 0;; i++) {
    const size_t place = at + sizeof(uint32_t) + 1;
    void *der = place < capacity ? buffer + place : NULL;
    const size_t room = place < capacity ? capacity - place : 0;
    const creche_status read = creche_response_certificate(response, i, CRECHE_CERTIFICATE_DER, der, room, &size);
    if (size == 0) break;
    if (read == CRECHE_OK) {
      const uint32_t n = (uint32_t)size;
      memcpy(buffer + at, &n, sizeof n);
      buffer[at + sizeof n] = '\0';
    }
    at = place + size;
  }
  return (int64_t)at;
}

cx_answer cx_tls_open(creche_tls_options o, const char *texts, const void *ca, const void *cert,
                      const void *key)
{
  const char **places[] = {&o.ca_file, &o.ca_folder, &o.cert_file, &o.key_file, &o.key_password, &o.ciphers,
                           &o.ciphersuites, &o.server_name, &o.crl_file, &o.key_log_file};
  const char *few[FEW], **pins = o.pins_count > FEW ? malloc(o.pins_count * sizeof *pins) : few;
  creche_tls tls = {0};
  cx_answer a;
  size_t i;
  if (pins == NULL) return no_memory();
  for (i = 0; i < sizeof places / sizeof *places; i++) *places[i] = next_text(&texts);
  for (i = 0; i < o.pins_count; i++) {
    pins[i] = texts;
    texts += strlen(texts) + 1;
  }
  o.pins = pins;
  o.ca_data = ca;
  o.cert_data = cert;
  o.key_data = key;
  a = answer(creche_tls_open(&o, &tls), &tls.id);
  if (pins != few) free(pins);
  return a;
}
