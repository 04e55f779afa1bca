// Connection: what carries exchanges along one route, in whatever protocol: one at a time, or many.
// It belongs to the pool. Loop's thread only.
#pragma once
#include <cstddef>
#include <string>
#include <utility>

#include "http/exchange.h"

namespace creche {
class Loop;
}

namespace creche::http {

class ResponseHead;
struct Hook;
struct Request;

class Connection {
 public:
  // The pool.
  class Owner {
   public:
    // The capacity may be another, or it may not be sound any more, while nobody uses it, too. It
    // may be destroyed inside.
    virtual void OnChanged() noexcept = 0;

   protected:
    ~Owner() = default;
  };

  // Closes it. No exchange is open.
  virtual ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // How many exchanges it can carry at a time. 0: it takes no more, and goes with the last one.
  virtual size_t capacity() const noexcept = 0;
  // Begins an exchange, to be started by Exchange::Start; its capacity is not used up. The exchange
  // belongs to the connection, and all that is given here outlives it. May throw bad_alloc.
  virtual Exchange* Open(Request* request, ResponseHead* head, Attempt* attempt,
                         Exchange::Listener* listener) = 0;
  // For how long it may be kept, now that nothing is open on it; 0: it may not.
  virtual Nanos keep_for() const noexcept = 0;
  // Of one that nobody uses: true if it was not closed and nothing came that nobody asked for. To
  // be asked before each use.
  virtual bool IdleIsSound() noexcept = 0;
  void set_owner(Owner* owner) noexcept { owner_ = owner; }
  // What it is, for the attempts that are made on it; null for not known.
  void set_info(ConnectionInfoRef info) noexcept { info_ = std::move(info); }
  const ConnectionInfoRef& info() const noexcept { return info_; }
  // Who is told when it is closed: the loop's log, and the hook, or null. Both outlive it.
  void set_told(Loop* loop, const Hook* hook) noexcept {
    loop_ = loop;
    hook_ = hook;
  }
  // What the log says when it is closed, and why that is. A static text.
  void set_farewell(const char* text) noexcept { farewell_ = text; }

 protected:
  Connection() = default;
  // See Owner.
  void Changed() noexcept { owner_->OnChanged(); }
  // What the server said when it went away, for the log; "": nothing.
  const std::string& last_words() const noexcept { return last_words_; }
  void set_last_words(std::string text) noexcept { last_words_ = std::move(text); }

 private:
  Owner* owner_ = nullptr;
  ConnectionInfoRef info_;
  Loop* loop_ = nullptr;
  const Hook* hook_ = nullptr;
  std::string last_words_;
  const char* farewell_ = "a connection is closed";
};

}  // namespace creche::http
