// creche_pool_listen: LISTEN on a connection of the pool's that nobody else gets. When that is lost
// there is another one, and the user is told that there was a gap. Loop's thread.
#pragma once
#include <memory>
#include <string>

#include "pg/checkout.h"
#include "pg/command/run_of.h"
#include "pg/command/script.h"
#include "pg/connection_lease.h"
#include "pg/op/block_budget.h"
#include "pg/pool.h"
#include "pg/protocol/notification.h"
#include "tasks/operation.h"

namespace creche::pg {

struct ListenOptions {
  uint32_t max_held = 1024;
  Nanos heartbeat = 30 * kSecond;
};

class ListenOperation final : public tasks::Operation,
                              public BlockBudget::Owner,
                              private ConnectionLease::Watcher {
 public:
  // sql: the LISTENs.
  ListenOperation(tasks::ResidentUse<Pool> pool, const std::string& sql,
                  const ListenOptions& options);
  ~ListenOperation() override;
  void Start() noexcept override;
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override { return "notifications"; }
  const tasks::Resident* Of() const noexcept override { return pool_.get(); }

 private:
  enum class Stage : uint8_t { kWaiting, kStarting, kListening, kPausing, kEnded };
  void OnGranted(Member* member) noexcept;
  void OnRefused(const ErrorRef& why) noexcept;
  void OnEnd(Ending ending) noexcept;
  void OnLeaseLost() noexcept override;
  void OnNotification(uint32_t process, std::string_view channel,
                      std::string_view payload) noexcept override;
  void OnBlockBack() noexcept override {}
  static void OnTimer(void* self) noexcept;
  void Beat() noexcept;
  void Submit(const Statement* statement) noexcept;
  // After a loss: another connection, a little later.
  void Pause() noexcept;
  void End(tasks::Outcome outcome) noexcept;
  bool Begin() noexcept;
  bool Tell(Notification::What what, uint32_t process, std::string_view channel,
            std::string_view payload) noexcept;

  const tasks::ResidentUse<Pool> pool_;
  const Statement listen_;
  const Statement beat_;
  const ListenOptions options_;
  CheckoutOf<&ListenOperation::OnGranted, &ListenOperation::OnRefused> checkout_{this};
  RunOf<Script, &ListenOperation::OnEnd> run_{this};
  Ref<ConnectionLease> lease_;
  Ref<BlockBudget> budget_;
  std::unique_ptr<Timer> timer_;
  Stage stage_ = Stage::kWaiting;
  bool running_ = false;  // run_ was submitted and has not ended
  bool told_ = false;     // it has listened before
  uint32_t losses_ = 0;   // in a row
  uint64_t dropped_ = 0;
};

}  // namespace creche::pg
