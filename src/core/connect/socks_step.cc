#include "core/connect/socks_step.h"

#include <cstring>

namespace creche {

namespace {

constexpr char kNone = 0, kUserPassword = 2;

// RFC 1928, 6.
const char* ReplyText(unsigned reply) {
  static constexpr const char* kTexts[] = {"succeeded",
                                           "general failure",
                                           "not allowed by its rules",
                                           "no such network",
                                           "the host is unreachable",
                                           "connection refused",
                                           "time to live ran out",
                                           "it knows no CONNECT",
                                           "it knows no such kind of address"};
  return reply < sizeof kTexts / sizeof *kTexts ? kTexts[reply] : "an unknown reply";
}

void AppendAddress(const platform::Address& address, std::string* out) {
  if (address.family() == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(address.get());
    out->append(1, 4).append(reinterpret_cast<const char*>(&in->sin6_addr), sizeof in->sin6_addr);
  } else {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address.get());
    out->append(1, 1).append(reinterpret_cast<const char*>(&in->sin_addr), sizeof in->sin_addr);
  }
}

}  // namespace

void SocksStep::Start(Connecting* so_far, ConnectStep::Listener* listener) {
  if (to_.resolved) {
    if (addresses_.empty()) addresses_ = so_far->addresses;
    // A host may be mapped to a Unix socket, where no proxy can go.
    std::erase_if(addresses_, [](const platform::Address& address) {
      return address.family() != AF_INET && address.family() != AF_INET6;
    });
    if (addresses_.empty())
      return listener->OnStepFailed(
          MakeError(Status::kInvalid, Phase::kProxy,
                    "a SOCKS proxy cannot connect to the Unix socket that " + target() +
                        " is mapped to: take the proxy or the mapping out",
                    kUnsent));
  } else if (const auto literal = platform::Address::Literal(to_.host)) {
    addresses_ = {*literal};
  }
  TalkStep::Start(so_far, listener);
}

void SocksStep::Await(At at, size_t bytes) {
  at_ = at;
  needed_ = bytes;
  got_.clear();
}

std::string SocksStep::Opening() {
  Await(At::kMethod, 2);
  std::string hello{5, 1, kNone};
  if (to_.credentials) hello = {5, 2, kNone, kUserPassword};
  return hello;
}

ErrorRef SocksStep::Take(std::string_view bytes, Verdict* verdict) {
  got_.append(bytes);
  if (got_.size() < needed_) return nullptr;
  switch (at_) {
    case At::kMethod:
      return TakeMethod();
    case At::kPassword:
      if (got_[1] != 0) return Wrong(Status::kProxy, "refuses this user and password", 0, kUnsent);
      Ask();
      return nullptr;
    case At::kReply:
      return TakeReply(verdict);
    case At::kAddress:
      *verdict = Verdict::kDone;
      return nullptr;
  }
  return nullptr;
}

ErrorRef SocksStep::TakeMethod() {
  if (got_[0] != 5)
    return Wrong(Status::kProtocol, "does not speak SOCKS5: check its URL's scheme and port");
  if (got_[1] == kNone) {
    Ask();
    return nullptr;
  }
  if (got_[1] != kUserPassword || !to_.credentials)
    return Wrong(Status::kProxy,
                 to_.credentials ? "takes no user and password"
                                 : "wants credentials: give user and password in its URL",
                 0, kUnsent);
  std::string says(1, 1);
  says.append(1, static_cast<char>(to_.user.size())).append(to_.user);
  says.append(1, static_cast<char>(to_.password.size())).append(to_.password);
  Say(says);
  Await(At::kPassword, 2);
  return nullptr;
}

void SocksStep::Ask() {
  std::string says{5, 1, 0};
  uint16_t port = to_.port;
  if (tried_ < addresses_.size()) {
    AppendAddress(addresses_[tried_], &says);
    if (addresses_[tried_].port() != 0) port = addresses_[tried_].port();  // it may be mapped, too
  } else {
    says.append(1, 3).append(1, static_cast<char>(to_.host.size())).append(to_.host);
  }
  says.append(1, static_cast<char>(port >> 8)).append(1, static_cast<char>(port & 0xff));
  Say(says);
  Await(At::kReply, 5);  // with the first byte of the address, whose size it may be
}

ErrorRef SocksStep::TakeReply(Verdict* verdict) {
  const auto reply = static_cast<unsigned char>(got_[1]);
  if (got_[0] != 5) return Wrong(Status::kProtocol, "does not speak SOCKS5 to its end");
  if (reply != 0) {
    // Its network, a host or a port cannot be reached: another address may do.
    if (reply >= 3 && reply <= 6 && tried_ + 1 < addresses_.size()) {
      tried_++;
      *verdict = Verdict::kAnew;
      return nullptr;
    }
    const bool transient = reply == 1 || (reply >= 3 && reply <= 6);
    return Wrong(Status::kProxy,
                 "has no connection to " + target() + ": " + ReplyText(reply) + " (reply " +
                     std::to_string(reply) + ")",
                 0, transient ? kUnsent | kRetryable : uint32_t{kUnsent});
  }
  size_t rest = 0;
  switch (got_[3]) {
    case 1:
      rest = 4;
      break;
    case 3:
      rest = 1 + static_cast<unsigned char>(got_[4]);
      break;
    case 4:
      rest = 16;
      break;
    default:
      return Wrong(Status::kProtocol, "answers with no address that SOCKS5 knows");
  }
  Await(At::kAddress, rest - 1 + 2);
  return nullptr;
}

}  // namespace creche
