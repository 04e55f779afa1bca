// CopyIn: COPY ... FROM STDIN. What is copied is asked for piece by piece, whenever the last one
// has gone out, and is sent in messages of a bounded size. Whoever stops it, or cannot go on, ends
// it by CopyFail: the server answers with an error, and the connection is as good as before.
#pragma once
#include <string>

#include "pg/command/command.h"
#include "pg/wire/wire.h"

namespace creche::pg {

class CopyIn : public Command, protected Wire::Drain {
 public:
  ~CopyIn() override { Close(); }
  bool alone() const noexcept override { return true; }
  void Encode(Encoder* encoder) const noexcept override;
  void OnSent(Wire* wire) noexcept override;
  bool OnCopyIn(Flight* flight, size_t columns) noexcept override;
  bool OnCopyOut(Flight* flight) noexcept override;
  void OnError() noexcept override { Close(); }
  bool OnStop() noexcept override;

  // A piece is awaited.
  bool open() const noexcept { return open_; }
  // The server has asked for what is to be copied.
  bool asked() const noexcept { return asked_; }
  // The piece that was asked for; more: another one will follow.
  void Give(std::string piece, bool more) noexcept;
  // There is none: the server is told why.
  [[nodiscard]] bool GiveUp(std::string_view why) noexcept;

  // Nothing more goes out. To be called when it has ended.
  void Close() noexcept;

 protected:
  void OnDrained() noexcept override;
  Wire* wire() const noexcept { return wire_; }

 private:
  // Give, or GiveUp, is awaited.
  virtual void OnWanted() noexcept = 0;
  void Feed() noexcept;

  Wire* wire_ = nullptr;
  std::string piece_;
  size_t fed_ = 0;          // of it
  bool has_piece_ = false;  // it was not fed to its end
  bool more_ = false;
  bool open_ = false;
  bool asked_ = false;
  bool stopped_ = false;
};

}  // namespace creche::pg
