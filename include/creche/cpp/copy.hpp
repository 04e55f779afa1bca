// creche/cpp/copy.hpp: COPY: bytes out of PostgreSQL as they come, and bytes into it as they are
// written.
#ifndef CRECHE_CPP_COPY_HPP
#define CRECHE_CPP_COPY_HPP

#include <string_view>

#include "handle.hpp"
#include "pulled.hpp"
#include "writer.hpp"

namespace creche {

/// The bytes of a COPY ... TO STDOUT: `while (auto bytes = co_await out.next())`, views that live
/// until the next ones are asked for.
class copy_stream : public detail::pulled<copy_stream, std::string_view> {
 public:
  template <class Start>
  explicit copy_stream(Start&& start) : pulled(std::forward<Start>(start)) {}
  /// How many rows there were, behind the end.
  uint64_t rows() const { return state().last().value; }

 private:
  template <class, class, bool>
  friend class detail::next_of;
  bool at_hand() const { return bytes_.data() != nullptr; }
  std::string_view take() { return std::exchange(bytes_, {}); }
  void arrived(const creche_completion& c) {
    held_.reset({c.value});
    bytes_ = {static_cast<const char*>(c.data), c.data_size};
  }

  detail::held_value held_;
  std::string_view bytes_;
};

namespace detail {

template <class Raw>
using copy_call = creche_status(Raw, creche_scope, const char*, const creche_copy_options*,
                                creche_done_fn, void*, creche_task*);

template <class Raw, copy_call<Raw>* Copy>
copy_stream copy_out(Raw raw, ctext sql) {
  return copy_stream([&](creche_scope in, creche_done_fn done, void* user, creche_task* task) {
    return Copy(raw, in, sql.c_str(), nullptr, done, user, task);
  });
}

/// Begins when it is awaited, in the scope of then.
template <class Raw, copy_call<Raw>* Copy, class F>
task<uint64_t> copy_in(Raw raw, ctext sql, F body) {
  writer out([&](creche_scope in, creche_done_fn done, void* user, creche_task* task) {
    return Copy(raw, in, sql.c_str(), nullptr, done, user, task);
  });
  co_await write_all(out, body);
  co_return out.take_last().value;
}

}  // namespace detail

}  // namespace creche
#endif
