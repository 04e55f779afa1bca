// creche/cpp/row_stream.hpp: rows as they come.
#ifndef CRECHE_CPP_ROW_STREAM_HPP
#define CRECHE_CPP_ROW_STREAM_HPP

#include "pulled.hpp"
#include "rows.hpp"

namespace creche {

/// The rows of a statement: `while (auto row = co_await rows.next())`. Only a few blocks of them
/// are there at a time: not asking for more holds the server back. A row, and what is read from it
/// as a view, lives until the next one is asked for.
class row_stream : public detail::pulled<row_stream, row> {
 public:
  /// start: status(creche_scope in, creche_done_fn done, void* user, creche_task* task).
  template <class Start>
  explicit row_stream(Start&& start) : pulled(std::forward<Start>(start)) {}

 private:
  template <class, class, bool>
  friend class detail::next_of;
  bool at_hand() const { return at_ < block_.size(); }
  row take() { return block_[at_++]; }
  void arrived(const creche_completion& c) {
    block_ = rows(creche_rows{c.value});
    at_ = 0;
  }

  rows block_;
  uint64_t at_ = 0;
};

}  // namespace creche
#endif
