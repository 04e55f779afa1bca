// CopyOut: COPY ... TO STDOUT. What comes is handed out as bytes, as it comes.
#pragma once
#include "core/buffer.h"
#include "pg/command/command.h"

namespace creche::pg {

class CopyOut : public Command {
 public:
  // full: bytes that are worth to be handed out.
  explicit CopyOut(size_t full) : full_(full) {}
  bool alone() const noexcept override { return true; }
  void Encode(Encoder* encoder) const noexcept override;
  void OnSent(Wire* wire) noexcept override { wire_ = wire; }
  bool OnCopyIn(Flight* flight, size_t columns) noexcept override;
  bool OnCopyOut(Flight* flight) noexcept override;
  size_t MaxRow(const Flight& flight, const RowCollector& whole) const noexcept override;
  RowTaken OnRow(Flight* flight, const Message& piece, RowCollector* whole) noexcept override;
  void OnComplete(Flight* flight, std::string_view tag, RowCollector* whole) noexcept override;
  bool OnRead(const Flight& flight) noexcept override;

  // What has come and was not handed out.
  Buffer& bytes() noexcept { return bytes_; }
  bool full() const noexcept { return bytes_.size() >= full_; }

 private:
  // Bytes have come, as many as are worth it or as there are now.
  virtual void OnPiece() noexcept = 0;
  Buffer bytes_;
  const size_t full_;
  Wire* wire_ = nullptr;
};

}  // namespace creche::pg
