#include "http/body/record_reader.h"

#include <algorithm>
#include <new>

namespace creche::http {

namespace {
// What is asked of the stream at once.
constexpr size_t kStep = 64 << 10;
}  // namespace

// Where what is wanted ends, if all of it is here.
bool RecordReader::Find(const Record& wanted, size_t* size) noexcept {
  if (wanted.delimiter.empty()) {
    *size = wanted.size;
    return held_.size() >= wanted.size;
  }
  const std::string_view held = held_.view().substr(0, wanted.size);
  const size_t at = held.find(wanted.delimiter, searched_);
  *size = at + wanted.delimiter.size();
  if (at != held.npos) return true;
  if (held.size() >= wanted.delimiter.size())
    searched_ = std::max(searched_, held.size() - wanted.delimiter.size() + 1);
  return false;
}

RecordReader::Step RecordReader::Read(StreamBody* from, const Record& wanted, Buffer* record,
                                      Problem* problem) {
  if (wanted.delimiter != delimiter_) {
    delimiter_ = wanted.delimiter;
    searched_ = 0;
  }
  for (size_t size = 0;;) {
    if (Find(wanted, &size)) {
      Take(size, record);
      return Step::kGiven;
    }
    if (held_.size() >= wanted.size) return Step::kTooLong;
    const size_t room = from->Worth(kStep);
    char* const into = held_.Reserve(room + 1);  // never none
    if (!into) throw std::bad_alloc();
    size_t got = 0;
    *problem = from->Read(into, room, &got);
    held_.Commit(got);
    if (got > 0) continue;
    const bool over = problem->bad() || from->finished();
    if (!over || (held_.empty() && !problem->bad())) return Step::kWait;
    if (wanted.delimiter.empty() || held_.empty())
      return problem->bad() ? Step::kBroken : Step::kShort;
    Take(held_.size(), record);  // what is wrong behind it is for the next who asks
    return Step::kGiven;
  }
}

void RecordReader::Take(size_t capacity, Buffer* piece) {
  searched_ = 0;
  if (held_.size() <= capacity) return piece->Swap(held_);
  if (!piece->Append(held_.data(), capacity)) throw std::bad_alloc();
  held_.Consume(capacity);
}

}  // namespace creche::http
