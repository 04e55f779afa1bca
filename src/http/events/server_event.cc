#include "http/events/server_event.h"

namespace creche::http {

ServerEvent::ServerEvent(Ref<EventRoom> room, uint32_t connection, std::string_view type,
                         std::string_view data, std::string_view id)
    : room_(std::move(room)), fields_() {
  text_.reserve(type.size() + data.size() + id.size() + 3);
  text_.append(data).push_back('\0');
  text_.append(type).push_back('\0');
  text_.append(id).push_back('\0');
  const char* const text = text_.data();
  const char* const behind = text + data.size() + 1;
  fields_ = {.size = sizeof fields_,
             .connection = connection,
             .type = behind,
             .type_size = type.size(),
             .data = text,
             .data_size = data.size(),
             .id = behind + type.size() + 1,
             .id_size = id.size()};
  room_->Take(taken());
}

}  // namespace creche::http
