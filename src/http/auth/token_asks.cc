#include "http/auth/token_asks.h"

#include <algorithm>
#include <utility>

#include "platform/user_code.h"

namespace creche::http {

Ref<TokenAsks::Ask> TokenAsks::Find(const Login* login) const {
  for (const Ref<Ask>& ask : open_)
    if (ask->login.get() == login) return ask;
  return nullptr;
}

Ref<TokenAsks::Ask> TokenAsks::Begin(LoginRef login, uint64_t session, bool refused) {
  auto ask = MakeRef<Ask>();
  ask->login = std::move(login);
  open_.reserve(open_.size() + 1);
  {
    const std::lock_guard<std::mutex> locked(lock_);
    asked_.push_back(++last_id_);
    ask->id = last_id_;
  }
  open_.push_back(ask);
  const TokenQuestion question{.refused = refused ? 1u : 0u, .session = session, .id = ask->id};
  platform::CallUser(ask->login->ask, ask->login->refresh_user, &question);
  return ask;
}

Status TokenAsks::Give(uint64_t id, ErrorRef error, std::string token) {
  const std::lock_guard<std::mutex> locked(lock_);
  const auto at = std::find(asked_.begin(), asked_.end(), id);
  if (at == asked_.end()) return Status::kState;
  given_.push_back({id, std::move(error), std::move(token)});
  asked_.erase(at);
  return Status::kOk;
}

Ref<TokenAsks::Ask> TokenAsks::Take() {
  Given given{};
  {
    const std::lock_guard<std::mutex> locked(lock_);
    if (given_.empty()) return nullptr;
    given = std::move(given_.front());
    given_.erase(given_.begin());
  }
  const auto at = std::find_if(open_.begin(), open_.end(),
                               [&](const Ref<Ask>& ask) { return ask->id == given.id; });
  Ref<Ask> ask = std::move(*at);  // each that was asked is there until now
  open_.erase(at);
  ask->answered = true;
  ask->error = std::move(given.error);
  ask->token = std::move(given.token);
  return ask;
}

}  // namespace creche::http
