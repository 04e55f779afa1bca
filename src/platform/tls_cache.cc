#include "platform/tls_cache.h"

#include <openssl/ssl.h>

#include <mutex>
#include <new>

#include "platform/clock.h"

namespace creche::platform {

TlsCache::~TlsCache() {
  for (Entry& entry : entries_) SSL_SESSION_free(entry.session);
}

namespace {
constexpr int64_t kAvoided = 10 * int64_t{60} * 1'000'000'000;
}  // namespace

bool TlsCache::Put(const std::string& server, ssl_session_st* session) noexcept {
  if (capacity_ == 0 || !SSL_SESSION_is_resumable(session)) return false;
  std::list<Entry> old;
  try {
    std::list<Entry> fresh;
    fresh.push_back({server, session, 0});
    const std::lock_guard lock(lock_);
    for (auto i = entries_.begin(); i != entries_.end(); ++i) {
      if (i->session || i->server != server) continue;
      if (CoarseNow() < i->until) return false;
      old.splice(old.begin(), entries_, i);
      break;
    }
    entries_.splice(entries_.begin(), fresh);
    // At most one is too many: of this server, or else of all.
    auto last = entries_.end();
    size_t same = 0;
    for (auto i = entries_.begin(); i != entries_.end(); ++i)
      if (i->server == server && ++same > kPerServer) last = i;
    if (last == entries_.end() && entries_.size() > capacity_) --last;
    if (last != entries_.end()) old.splice(old.begin(), entries_, last);
  } catch (const std::bad_alloc&) {
    return false;
  }
  for (Entry& entry : old) SSL_SESSION_free(entry.session);
  return true;
}

ssl_session_st* TlsCache::Take(const std::string& server) noexcept {
  const std::lock_guard lock(lock_);
  for (auto i = entries_.begin(); i != entries_.end(); ++i) {
    if (!i->session || i->server != server) continue;
    SSL_SESSION* session = i->session;
    if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
      entries_.erase(i);
    else
      SSL_SESSION_up_ref(session);
    return session;
  }
  return nullptr;
}

void TlsCache::Drop(const std::string& server) noexcept {
  const std::lock_guard lock(lock_);
  entries_.remove_if([&](const Entry& entry) {
    if (!entry.session || entry.server != server) return false;
    SSL_SESSION_free(entry.session);
    return true;
  });
}

void TlsCache::Avoid(const std::string& server) noexcept {
  Drop(server);
  if (capacity_ == 0) return;
  std::list<Entry> old;
  try {
    std::list<Entry> mark;
    mark.push_back({server, nullptr, CoarseNow() + kAvoided});
    const std::lock_guard lock(lock_);
    entries_.splice(entries_.begin(), mark);
    if (entries_.size() > capacity_) old.splice(old.begin(), entries_, --entries_.end());
  } catch (const std::bad_alloc&) {
  }
  for (Entry& entry : old) SSL_SESSION_free(entry.session);
}

size_t TlsCache::size() const noexcept {
  const std::lock_guard lock(lock_);
  return entries_.size();
}

}  // namespace creche::platform
