#include "platform/tls_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "platform/address.h"
#include "platform/tls_names.h"
#include "platform/tls_text.h"
#include "platform/tls_trust.h"

namespace creche::platform {

namespace {

constexpr size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;

// The parts of a write, from where it stands.
class Cursor {
 public:
  Cursor(const iovec* parts, size_t count) : part_(parts), end_(parts + count) { SkipEmpty(); }
  bool done() const { return part_ == end_; }
  // The next record's worth, in one piece; copied together into `room` if it is in several.
  std::pair<const char*, size_t> Next(char* room) const {
    const char* first = Base(part_) + at_;
    const size_t size = part_->iov_len - at_;
    if (size >= kRecord || part_ + 1 == end_) return {first, std::min(size, kRecord)};
    size_t filled = 0;
    for (Cursor c = *this; !c.done() && filled < kRecord;) {
      const size_t n = std::min(c.part_->iov_len - c.at_, kRecord - filled);
      std::memcpy(room + filled, Base(c.part_) + c.at_, n);
      filled += n;
      c.Advance(n);
    }
    return {room, filled};
  }
  void Advance(size_t size) {
    while (size > 0) {
      const size_t n = std::min(size, part_->iov_len - at_);
      size -= n;
      at_ += n;
      SkipEmpty();
    }
  }

 private:
  static const char* Base(const iovec* part) { return static_cast<const char*>(part->iov_base); }
  void SkipEmpty() {
    while (part_ != end_ && at_ == part_->iov_len) part_++, at_ = 0;
  }
  const iovec* part_;
  const iovec* end_;
  size_t at_ = 0;
};

}  // namespace

std::unique_ptr<TlsSession> TlsSession::Open(std::shared_ptr<TlsContext> context, TlsLower* lower,
                                             const std::string& host, uint16_t port,
                                             TlsFailure* failure, bool resume,
                                             std::string_view alpn) noexcept {
  try {
    // With the dot of an absolute name neither SNI nor certificates would match.
    std::string server = host;
    if (!server.empty() && server.back() == '.') server.pop_back();
    std::string name = context->server_name().empty() ? server : context->server_name();
    std::unique_ptr<TlsSession> session(new TlsSession(
        std::move(context), lower, server + ":" + std::to_string(port), std::move(name)));
    const ExitHold::Inside inside(session->exit_hold_);
    if (!inside.ok()) {
      session->Exiting();
      *failure = session->failure_;
      return nullptr;
    }
    ERR_clear_error();
    const bool ok = session->Prepare(resume, alpn);
    const bool no_memory = TakeMemoryFailure();
    if (ok) return session;
    *failure = TlsFailure{};
    if (!no_memory)
      failure->text = "TLS with " + session->server_ + " cannot be started: is that a host name?";
  } catch (const std::bad_alloc&) {
    *failure = TlsFailure{};
  }
  return nullptr;
}

bool TlsSession::Prepare(bool resume, std::string_view alpn) {
  const std::string& host = name_;
  ssl_ = SSL_new(context_->get());
  BIO* bio = ssl_ ? NewBio(&bio_) : nullptr;
  if (!bio) return false;
  SSL_set_bio(ssl_, bio, bio);
  if (SSL_set_app_data(ssl_, this) != 1) return false;  // it is where OnNewSession finds us
  SSL_set_connect_state(ssl_);
  // 0 is success.
  if (!alpn.empty() && context_->offers_alpn() &&
      SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size())) != 0)
    return false;
  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl_);
  if (Address::Literal(host)) {
    // SNI is for names only (RFC 6066); the zone of an address is not part of a certificate.
    const std::string ip = host.substr(0, host.find('%'));
    if (X509_VERIFY_PARAM_set1_ip_asc(verify, ip.c_str()) != 1) return false;
  } else {
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // An empty name would mean: do not check.
    if (host.empty() || X509_VERIFY_PARAM_set1_host(verify, host.data(), host.size()) != 1 ||
        SSL_set_tlsext_host_name(ssl_, host.c_str()) != 1)
      return false;
    if (host.find('_') != host.npos) SSL_set_verify(ssl_, SSL_get_verify_mode(ssl_), OnVerified);
  }
  if (SSL_SESSION* session = resume ? context_->cache().Take(server_) : nullptr) {
    offered_ = SSL_set_session(ssl_, session) == 1;
    SSL_SESSION_free(session);
  }
  return true;
}

// Of hosts with a '_': OpenSSL has looked at the certificate of this depth, and calls this with
// what it found.
int TlsSession::OnVerified(int good, x509_store_ctx_st* verifying) {
  if (good == 1 || X509_STORE_CTX_get_error(verifying) != X509_V_ERR_HOSTNAME_MISMATCH) return good;
  auto* ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(verifying, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const std::string_view name = static_cast<TlsSession*>(SSL_get_app_data(ssl))->name_;
  if (!WildcardCovers(X509_STORE_CTX_get0_cert(verifying), name)) return good;
  X509_STORE_CTX_set_error(verifying, X509_V_OK);
  return 1;
}

TlsSession::~TlsSession() {
  // Given up, perhaps because nothing came: then that session is not offered again either.
  if (offered_ && !ready_) context_->cache().Drop(server_);
  const ExitHold::Inside inside(exit_hold_);
  if (!inside.ok()) return;
  SSL_free(ssl_);
  ERR_clear_error();
}

void TlsSession::AvoidResuming() const noexcept {
  context_->cache().Avoid(server_);
}

TlsState TlsSession::Exiting() noexcept {
  failure_ = TlsFailure{};
  try {
    failure_.text = "the process is exiting: TLS has ended";
  } catch (const std::bad_alloc&) {
    failure_.no_memory = true;
  }
  return ended_ = TlsState::kFailed;
}

TlsState TlsSession::Handshake() noexcept {
  if (ended_ != TlsState::kDone) return ended_;
  const ExitHold::Inside inside(exit_hold_);
  if (!inside.ok()) return Exiting();
  ERR_clear_error();
  const int returned = SSL_do_handshake(ssl_);
  if (returned == 1) {
    if (!context_->pins().empty() && !IsPinned()) {
      context_->cache().Drop(server_);
      return ended_ = TlsState::kFailed;
    }
    ready_ = true;
    // The server may have said something already, and the socket will not be readable for it again.
    pending_ = SSL_has_pending(ssl_) == 1;
    return TlsState::kDone;
  }
  const TlsState state = Sort(returned);
  if (state == TlsState::kWantRead || state == TlsState::kWantWrite) return state;
  // It may have been the session that was offered: never offer one again that may be broken.
  context_->cache().Drop(server_);
  return ended_ = TlsState::kFailed;
}

// Whoever the server is that OpenSSL was content with: is it one of those?
bool TlsSession::IsPinned() noexcept {
  try {
    std::string seen;
    if (PinsMatch(ssl_, context_->pins(), &seen)) return true;
    failure_ = TlsFailure{.verify = X509_V_ERR_APPLICATION_VERIFICATION};
    failure_.text = "the certificate of " + server_ +
                    " is none of those that were pinned: " + seen + "; if that is right, pin it";
  } catch (const std::bad_alloc&) {
    failure_ = TlsFailure{.no_memory = true};
  }
  ERR_clear_error();
  return false;
}

TlsResult TlsSession::Read(void* into, size_t capacity) noexcept {
  pending_ = false;
  if (ended_ != TlsState::kDone) return {ended_, 0};
  const ExitHold::Inside inside(exit_hold_);
  if (!inside.ok()) return {Exiting(), 0};
  size_t total = 0;
  TlsState state = TlsState::kDone;
  do {
    size_t n = 0;
    ERR_clear_error();
    const int returned = SSL_read_ex(ssl_, static_cast<char*>(into) + total, capacity - total, &n);
    if (returned != 1) state = Sort(returned);
    total += n;
  } while (state == TlsState::kDone && total < capacity &&
           (SSL_has_pending(ssl_) || !bio_.drained));
  if (state != TlsState::kDone && state != TlsState::kWantRead && state != TlsState::kWantWrite)
    ended_ = state;
  if (total == 0) return {state, 0};
  // What was not reported yet, or not even looked at, comes with the next call.
  pending_ = state == TlsState::kDone ? total == capacity && SSL_has_pending(ssl_) == 1
                                      : state != TlsState::kWantRead;
  return {TlsState::kDone, total};
}

TlsResult TlsSession::Write(const iovec* parts, size_t count) noexcept {
  const ExitHold::Inside inside(exit_hold_);
  if (!inside.ok()) return {Exiting(), 0};
  size_t total = 0;
  char record[kRecord];
  for (Cursor cursor(parts, count); !cursor.done();) {
    // As many bytes as possible: after a kWantWrite OpenSSL must be offered at least as many as it
    // was before, and so it is if the caller offers the rest.
    const auto [data, size] = cursor.Next(record);
    size_t n = 0;
    ERR_clear_error();
    const int returned = SSL_write_ex(ssl_, data, size, &n);
    writing_ = returned != 1;
    if (returned == 1) {
      total += n;
      cursor.Advance(n);
      continue;
    }
    // Without renegotiation a write has nothing to wait for but room.
    if (Sort(returned) != TlsState::kWantWrite) {
      bio_.drained = false;  // what the peer had said before is to be had at once
      return {TlsState::kFailed, total};
    }
    return {total > 0 ? TlsState::kDone : TlsState::kWantWrite, total};
  }
  return {TlsState::kDone, total};
}

bool TlsSession::Quiet() noexcept {
  if (ended_ != TlsState::kDone) return false;
  const ExitHold::Inside inside(exit_hold_);
  if (!inside.ok()) return false;
  pending_ = false;
  char byte;
  // Mostly there is nothing at all, and OpenSSL takes some 2,000 instructions to say so. What it
  // has found before stays.
  const bool good = SSL_get_shutdown(ssl_) == 0 && failure_.text.empty();
  if (good && SSL_has_pending(ssl_) == 0 && bio_.lower->IsQuiet()) return true;
  bio_.drained = false;
  size_t n = 0;
  ERR_clear_error();
  const int returned = SSL_peek_ex(ssl_, &byte, 1, &n);
  return returned != 1 && Sort(returned) == TlsState::kWantRead;
}

void TlsSession::SendCloseNotify() noexcept {
  // After a failure, or into the middle of a record, nothing may be sent.
  if (!ready_ || writing_ || ended_ == TlsState::kFailed || ended_ == TlsState::kTruncated) return;
  const ExitHold::Inside inside(exit_hold_);
  if (!inside.ok()) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

const char* TlsSession::version() const noexcept {
  return SSL_get_version(ssl_);
}
const char* TlsSession::cipher() const noexcept {
  return SSL_get_cipher_name(ssl_);
}
uint16_t TlsSession::cipher_id() const noexcept {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_);
  return cipher ? SSL_CIPHER_get_protocol_id(cipher) : uint16_t{0};
}
bool TlsSession::resumed() const noexcept {
  return SSL_session_reused(ssl_) == 1;
}

std::shared_ptr<const TlsChain> TlsSession::chain() const {
  return TlsChain::Of(ssl_);
}

std::string TlsSession::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

int TlsSession::OnNewSession(ssl_st* ssl, ssl_session_st* session) {
  auto* self = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  return self->context_->cache().Put(self->server_, session) ? 1 : 0;
}

TlsState TlsSession::Sort(int returned) noexcept {
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
      return TlsState::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return TlsState::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return TlsState::kEnd;
    default:
      break;
  }
  // The last one is that of the TLS layer; those before it are details from below.
  const unsigned long error = ERR_peek_last_error();
  const bool no_memory = TakeMemoryFailure();
  failure_ = TlsFailure{.no_memory = no_memory && bio_.failed == 0 && !bio_.ended};
  if (failure_.no_memory) return TlsState::kFailed;
  failure_.disconnected = bio_.ended || bio_.failed != 0;
  failure_.system_errno = bio_.failed;
  try {
    Describe(error);
  } catch (const std::bad_alloc&) {
    failure_.no_memory = true;
  }
  return bio_.ended && ready_ ? TlsState::kTruncated : TlsState::kFailed;
}

void TlsSession::Describe(unsigned long error) {
  if (bio_.failed != 0) {
    char text[128];
    failure_.text =
        "the connection to " + server_ + " failed: " + strerror_r(bio_.failed, text, sizeof text);
  } else if (bio_.ended) {
    failure_.text = ready_ ? server_ +
                                 " ended the connection without saying so by TLS (no "
                                 "close_notify): something may be missing"
                           : server_ + " closed the connection during the TLS handshake";
  } else if (const long verify = SSL_get_verify_result(ssl_);
             ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED && verify != X509_V_OK) {
    // What was read from the system's directory for this handshake is kept for those to come.
    if (!ReadTrusted(context_->get()) || verify == X509_V_ERR_OUT_OF_MEM) {
      failure_.no_memory = true;
      return;
    }
    failure_.verify = static_cast<int>(verify);
    failure_.text = "the certificate of " + server_ + " is not valid: " + CertificateText(verify);
  } else {
    failure_.text = "TLS with " + server_ + " failed: " + TlsErrorText(error);
  }
}

}  // namespace creche::platform
