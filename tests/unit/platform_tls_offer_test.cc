#include "platform/tls_offer.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>

namespace creche::platform {
namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
Context Fresh() {
  return Context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
}

// By one signature algorithm, as without memory.
TEST(TlsOffer, LessIsSeen) {
  constexpr char kAll[] = "ECDSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA256:RSA+SHA256";
  constexpr char kLess[] = "ECDSA+SHA384:RSA-PSS+SHA256:RSA+SHA256";
  for (int i = 0; i < 2; i++) {
    for (const char* list : {kAll, kLess}) {
      const Context less = Fresh();
      ASSERT_EQ(SSL_CTX_set1_sigalgs_list(less.get(), list), 1);
      EXPECT_FALSE(OffersAll(less.get()));
    }
    EXPECT_TRUE(OffersAll(Fresh().get()));
  }
}

}  // namespace
}  // namespace creche::platform
