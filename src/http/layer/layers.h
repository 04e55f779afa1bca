// Layers: those of a session, by what they are asked, each list in their order: who has nothing to
// say at a moment is not called then.
#pragma once
#include <type_traits>
#include <vector>

#include "http/layer/layer.h"

namespace creche::http {

struct Layers {
  using Asked = std::vector<const Layer*>;

  Layers() = default;
  // All of them, each time.
  Layers(const Asked& all) : request(all), response(all), failure(all) {}

  // Behind those that are there. It must outlive this.
  template <class T>
  void Add(const T& layer) {
    // A function that is not overridden is the base's.
    if constexpr (!std::is_same_v<decltype(&T::OnRequest), decltype(&Layer::OnRequest)>)
      request.push_back(&layer);
    if constexpr (!std::is_same_v<decltype(&T::OnResponse), decltype(&Layer::OnResponse)>)
      response.push_back(&layer);
    if constexpr (!std::is_same_v<decltype(&T::OnFailure), decltype(&Layer::OnFailure)>)
      failure.push_back(&layer);
  }

  Asked request, response, failure;
};

}  // namespace creche::http
