// TlsCache: sessions that servers offered to resume, by server; bounded, the oldest go first.
// Any thread.
#pragma once
#include <cstddef>
#include <list>
#include <string>

#include "platform/lock.h"

struct ssl_session_st;

namespace creche::platform {

class TlsCache {
 public:
  explicit TlsCache(size_t capacity) noexcept : capacity_(capacity) {}
  ~TlsCache();
  TlsCache(const TlsCache&) = delete;
  TlsCache& operator=(const TlsCache&) = delete;

  // Keeps a session; takes over the caller's reference. False (and nothing is taken) if it is of no
  // use or there is no memory.
  bool Put(const std::string& server, ssl_session_st* session) noexcept;
  // The newest session of a server with a reference of the caller's own, or null. One of TLS 1.3 is
  // handed out once only: using a ticket twice lets an observer link two connections.
  ssl_session_st* Take(const std::string& server) noexcept;
  // Forgets the sessions of a server: it refused one.
  void Drop(const std::string& server) noexcept;
  // The same, and keeps none of it for some minutes: it has taken a connection without a session
  // where it had refused the same with one.
  void Avoid(const std::string& server) noexcept;
  size_t size() const noexcept;

 private:
  struct Entry {
    std::string server;
    ssl_session_st* session;  // null: none is kept of this server
    int64_t until;            // the end of that, of the coarse monotonic clock
  };
  static constexpr size_t kPerServer = 4;

  const size_t capacity_;
  mutable Lock lock_;
  std::list<Entry> entries_;  // newest first; guarded by lock_
};

}  // namespace creche::platform
