// TlsChain: the certificates that a peer has shown, for who looks at them later. Immutable; any
// thread.
#pragma once
#include <cstddef>
#include <memory>
#include <string>

struct ssl_st;
struct stack_st_X509;

namespace creche::platform {

class TlsChain {
 public:
  // Of a connection that has shaken hands: the own one of the peer first; null if it has shown
  // none. May throw bad_alloc.
  static std::shared_ptr<const TlsChain> Of(const ssl_st* ssl);
  explicit TlsChain(stack_st_X509* chain) noexcept : chain_(chain) {}
  ~TlsChain();
  TlsChain(const TlsChain&) = delete;
  TlsChain& operator=(const TlsChain&) = delete;

  size_t size() const noexcept;
  // One of them as DER, or as PEM. May throw bad_alloc.
  std::string Der(size_t index) const;
  std::string Pem(size_t index) const;

 private:
  stack_st_X509* const chain_;
};

}  // namespace creche::platform
