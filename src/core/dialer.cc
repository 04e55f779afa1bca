#include "core/dialer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "platform/reactor.h"
#include "platform/user_code.h"

namespace creche {

namespace {

// How long to wait for a Unix socket whose backlog is full: the kernel tells nobody when it is
// free.
constexpr Nanos kBacklogPause = 5 * kMillisecond;
constexpr size_t kMostInMessage = 8;

// The families take turns, the preferred one first; within each the order stays.
std::vector<platform::Address> TakingTurns(const std::vector<platform::Address>& addresses) {
  std::vector<platform::Address> first, second, mixed;
  for (const platform::Address& address : addresses)
    (address.family() == addresses[0].family() ? first : second).push_back(address);
  for (size_t i = 0; i < std::max(first.size(), second.size()); i++) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < second.size()) mixed.push_back(second[i]);
  }
  return mixed;
}

}  // namespace

struct Dialer::Attempt final : platform::NewSocketHook {
  Attempt(Dialer* of, const platform::Address& to) : dialer(of), address(to) {}
  Dialer* const dialer;
  const platform::Address address;
  platform::Socket socket;
  platform::Watch watch;  // after the socket: stopped before it is closed
  int failed = 0;         // errno, once it has
  // What of the settings the kernel did not take; or how the user's function refused it.
  const char* refused = nullptr;
  Status status = Status::kOk;

  int OnSocket(int fd) noexcept override;
};

int Dialer::Attempt::OnSocket(int fd) noexcept {
  const SocketSettings& settings = *dialer->settings_;
  refused = settings.options.Set(fd, address.family());
  if (refused) return errno;
  if (!settings.opened) return 0;
  int32_t said = static_cast<int32_t>(Status::kNoMemory);
  try {
    const std::string text = address.Text();
    const NewSocket socket{.fd = fd, .address = text.c_str()};
    said = platform::CallUser(settings.opened, settings.user, &socket);
  } catch (const std::bad_alloc&) {
  }
  if (said == 0) return 0;
  status = said < 0 ? static_cast<Status>(said) : Status::kUser;
  return EPERM;
}

Dialer::Dialer(Loop& loop, Listener& listener, AddressHistory* history, Nanos stagger)
    : loop_(loop),
      listener_(listener),
      history_(history),
      longest_stagger_(stagger),
      stagger_(stagger),
      timer_(loop, OnTimer, this) {}

Dialer::~Dialer() = default;

bool Dialer::Start(std::string target, const std::vector<platform::Address>& addresses,
                   Nanos time) noexcept {
  try {
    std::vector<platform::Address> in_order = TakingTurns(addresses);
    if (history_) history_->Sort(&in_order, loop_.now());
    std::vector<std::unique_ptr<Attempt>> attempts;
    for (const platform::Address& address : in_order)
      attempts.push_back(std::make_unique<Attempt>(this, address));
    // The first attempt is made by the timer too, so that nobody is told inside Start.
    if (attempts.empty() || !timer_.Arm(loop_.now())) return false;
    stagger_ = std::min(longest_stagger_, time / static_cast<Nanos>(attempts.size()));
    attempts_ = std::move(attempts);
    target_ = std::move(target);
    begun_ = 0;
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Dialer::Cancel() noexcept {
  timer_.Disarm();
  attempts_.clear();
  begun_ = 0;
}

void Dialer::OnTimer(void* self) noexcept {
  static_cast<Dialer*>(self)->TryNext();
}

void Dialer::TryNext() noexcept {
  while (begun_ < attempts_.size()) {
    Attempt* attempt = attempts_[begun_].get();
    const int failed = Begin(attempt);
    if (failed == EAGAIN && attempt->address.family() == AF_UNIX &&
        timer_.Arm(After(loop_.now(), kBacklogPause)))
      return;
    begun_++;
    if (failed == 0) return Succeed(attempt);
    if (failed != EINPROGRESS) {
      NoteFailed(attempt, failed);
      continue;
    }
    // Without memory for the timer the next one simply goes at once.
    if (begun_ == attempts_.size() || timer_.Arm(After(loop_.now(), stagger_))) return;
  }
  FailIfAllHave();
}

int Dialer::Begin(Attempt* attempt) noexcept {
  const int failed = attempt->socket.Connect(
      attempt->address, local_ ? *local_ : platform::Address(), settings_ ? attempt : nullptr);
  if (failed != EINPROGRESS) return failed;
  const int unwatched = attempt->watch.Start(loop_.reactor(), attempt->socket.fd(),
                                             platform::kWrite, OnReady, attempt);
  if (unwatched == 0) return EINPROGRESS;
  attempt->socket.Close();
  return unwatched;
}

void Dialer::OnReady(void* ready_attempt, unsigned) noexcept {
  auto* attempt = static_cast<Attempt*>(ready_attempt);
  Dialer* self = attempt->dialer;
  const int failed = attempt->socket.ConnectResult();
  if (failed == 0) return self->Succeed(attempt);
  self->NoteFailed(attempt, failed);
  attempt->watch.Stop();
  attempt->socket.Close();
  self->TryNext();
}

void Dialer::NoteFailed(Attempt* attempt, int failed) noexcept {
  attempt->failed = failed;
  switch (failed) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
      if (history_) history_->Failed(attempt->address, loop_.now());
      break;
    default:  // no descriptor, no port, no memory: not the address's fault
      break;
  }
}

void Dialer::Succeed(Attempt* attempt) noexcept {
  attempt->watch.Stop();
  if (history_) {
    history_->Answered(attempt->address);
    // Those who were asked before and have not answered yet.
    for (const auto& each : attempts_) {
      if (each.get() == attempt) break;
      if (each->failed == 0) history_->Failed(each->address, loop_.now());
    }
  }
  platform::Socket socket = std::move(attempt->socket);
  Cancel();
  listener_.OnDialed(std::move(socket));
}

void Dialer::FailIfAllHave() noexcept {
  Status status = Status::kConnect;
  for (const auto& attempt : attempts_) {
    if (attempt->failed == 0) return;
    if (status == Status::kConnect && attempt->status != Status::kOk) status = attempt->status;
  }
  ErrorRef error = NoMemoryError();
  try {
    error = MakeError({.status = status,
                       .phase = Phase::kConnect,
                       .message = "cannot connect to " + target_ + ": " + Tried(),
                       .flags = kUnsent | kRetryable,
                       .system_errno = attempts_[0]->failed});
  } catch (const std::bad_alloc&) {
  }
  Cancel();
  listener_.OnDialFailed(std::move(error));
}

std::string Dialer::Tried() const {
  std::string text;
  for (size_t i = 0; i < begun_; i++) {
    if (i > 0) text += "; ";
    if (i == kMostInMessage) return text + "and " + std::to_string(begun_ - i) + " more";
    char reason[128];
    const int failed = attempts_[i]->failed;
    // The target of an address says it already.
    if (const std::string address = attempts_[i]->address.Text(); address != target_)
      text += address + ": ";
    if (attempts_[i]->status != Status::kOk) {
      text += "refused by the user's function";
      continue;
    }
    if (attempts_[i]->refused) text += std::string(attempts_[i]->refused) + " of its socket: ";
    text += failed == 0 ? "no answer yet" : strerror_r(failed, reason, sizeof reason);
  }
  return text;
}

}  // namespace creche
