// creche/tls.h
#include <creche/tls.h>

#include "capi/guard.h"
#include "capi/open_close.h"
#include "capi/options.h"
#include "core/connect/tls_settings.h"
#include "platform/tls_files.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_tls_options Defaults() noexcept {
  creche_tls_options o{};
  o.size = sizeof o;
  return o;
}

static std::string Text(const char* text) {
  return text ? text : "";
}

static std::string Bytes(const void* data, size_t size) {
  return data ? std::string(static_cast<const char*>(data), size) : std::string();
}

static creche_status ReadVersion(uint32_t given, const char* name, int* version) {
  if (given != 0 && given != CRECHE_TLS_1_2 && given != CRECHE_TLS_1_3)
    return Fail(Status::kInvalid, "%s is %u; use CRECHE_TLS_1_2 or CRECHE_TLS_1_3", name, given);
  *version = static_cast<int>(given);
  return CRECHE_OK;
}

static creche_status ReadPins(const creche_tls_options& o, std::vector<platform::TlsPin>* pins) {
  if (!o.pins && o.pins_count > 0) return Fail(Status::kInvalid, "pins is NULL, pins_count not 0");
  for (size_t i = 0; i < o.pins_count; i++) {
    const auto pin = o.pins[i] ? platform::ReadPin(o.pins[i]) : std::nullopt;
    if (!pin)
      return Fail(
          Status::kInvalid,
          "pins[%zu] is none: write sha256//BASE64 of a public key, or cert-sha256:HEX of a "
          "certificate; other digests are too weak",
          i);
    pins->push_back(*pin);
  }
  return CRECHE_OK;
}

static creche_status ReadTls(const creche_tls_options* given, platform::TlsOptions* options) {
  creche_tls_options o;
  if (creche_status failed = ReadOptions(
          given, &o,
          CRECHE_TLS_INSECURE | CRECHE_TLS_SYSTEM_CAS | CRECHE_TLS_NO_ALPN | CRECHE_TLS_NO_RESUME,
          "creche_tls_options"))
    return failed;
  const struct {
    const void* data;
    size_t size;
    const char* name;
  } parts[] = {{o.ca_data, o.ca_size, "ca"},
               {o.cert_data, o.cert_size, "cert"},
               {o.key_data, o.key_size, "key"}};
  for (const auto& part : parts)
    if ((part.data == nullptr) != (part.size == 0))
      return Fail(Status::kInvalid, "%s_data is NULL and %s_size not 0, or the other way round",
                  part.name, part.name);
  if (o.cert_file && o.cert_data)
    return Fail(Status::kInvalid, "a client certificate is given twice: cert_file and cert_data");
  if (o.key_file && o.key_data)
    return Fail(Status::kInvalid, "the client's key is given twice: key_file and key_data");
  if ((o.key_file || o.key_data) && !o.cert_file && !o.cert_data)
    return Fail(Status::kInvalid, "a key is given without its certificate: cert_file or cert_data");
  if ((o.flags & CRECHE_TLS_INSECURE) && o.crl_file)
    return Fail(Status::kInvalid, "crl_file says what to verify, CRECHE_TLS_INSECURE not to");
  platform::TlsOptions& t = *options;
  if (creche_status failed = ReadVersion(o.min_version, "min_version", &t.min_version))
    return failed;
  if (creche_status failed = ReadVersion(o.max_version, "max_version", &t.max_version))
    return failed;
  if (t.max_version != 0 && t.min_version > t.max_version)
    return Fail(Status::kInvalid, "min_version is above max_version");
  if (creche_status failed = ReadPins(o, &t.pins)) return failed;
  if (o.server_name && *o.server_name == '\0')
    return Fail(Status::kInvalid, "server_name is empty; NULL is the URL's host");
  t.verify = (o.flags & CRECHE_TLS_INSECURE) == 0;
  t.system_cas = (o.flags & CRECHE_TLS_SYSTEM_CAS) != 0;
  if (o.flags & CRECHE_TLS_NO_ALPN) t.alpn.clear();
  if (o.flags & CRECHE_TLS_NO_RESUME) t.max_sessions = 0;
  t.ca_file = Text(o.ca_file);
  t.ca_folder = Text(o.ca_folder);
  t.ca_data = Bytes(o.ca_data, o.ca_size);
  t.cert_file = Text(o.cert_file);
  t.cert_data = Bytes(o.cert_data, o.cert_size);
  t.key_file = Text(o.key_file);
  t.key_data = Bytes(o.key_data, o.key_size);
  t.key_password = Text(o.key_password);
  t.ciphers = Text(o.ciphers);
  t.ciphersuites = Text(o.ciphersuites);
  t.server_name = Text(o.server_name);
  t.crl_file = Text(o.crl_file);
  t.key_log_file = Text(o.key_log_file);
  return CRECHE_OK;
}

}  // namespace creche::capi

extern "C" {

creche_status creche_tls_options_init(creche_tls_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_tls_open(const creche_tls_options* options, creche_tls* tls) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (!tls) return Fail(Status::kInvalid, "tls is NULL: nowhere to store the handle");
    *tls = {};
    platform::TlsOptions o;
    if (creche_status failed = ReadTls(options, &o)) return failed;
    const Result<TlsContextRef> made = MakeTls(o);
    platform::Forget(&o.key_data);
    platform::Forget(&o.key_password);
    if (!made.ok()) return Fail(made.error()->status(), "%s", made.error()->message());
    tls->id = AddObject(Kind::kTls, MakeRef<TlsSettings>(made.value()));
    return tls->id != 0 ? CRECHE_OK : Explained(Status::kNoMemory, 0, "TLS settings");
  });
}

void creche_tls_release(creche_tls tls) {
  ReleaseHandle<TlsSettings>(tls.id);
}

}  // extern "C"
