#include "platform/resolve.h"

#include <gtest/gtest.h>
#include <netdb.h>

#include <cerrno>

namespace creche::platform {
namespace {

TEST(ResolveName, KnowsLocalhost) {
  const Resolved found = ResolveName("localhost");
  ASSERT_EQ(found.eai, 0) << ResolveErrorText(found);
  ASSERT_FALSE(found.addresses.empty());
  for (const Address& address : found.addresses) {
    EXPECT_TRUE(address.family() == AF_INET || address.family() == AF_INET6);
    EXPECT_EQ(address.port(), 0);
  }
}

// "invalid" never exists (RFC 6761); without a network the answer may be that nobody knows now.
TEST(ResolveName, SaysWhy) {
  const Resolved failed = ResolveName("no-such-name.invalid");
  EXPECT_NE(failed.eai, 0);
  EXPECT_TRUE(failed.addresses.empty());
  EXPECT_NE(ResolveErrorText(failed), "");
}

TEST(ResolveError, HasATextAndAKind) {
  EXPECT_TRUE(ResolveErrorIsTemporary({.eai = EAI_AGAIN}));
  EXPECT_FALSE(ResolveErrorIsTemporary({.eai = EAI_NONAME}));
  EXPECT_EQ(ResolveErrorText({.eai = EAI_SYSTEM, .system_errno = EMFILE}), "Too many open files");
}

}  // namespace
}  // namespace creche::platform
