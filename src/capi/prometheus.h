// The text format of Prometheus: families of samples, each with a HELP and a TYPE line, whose
// samples stand together. May throw bad_alloc.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "core/lag.h"

namespace creche::capi {

struct MetricLabel {
  const char* name;
  std::string_view value;  // any bytes: what is no UTF-8 becomes U+FFFD
};
using MetricLabels = std::initializer_list<MetricLabel>;

class PrometheusText {
 public:
  explicit PrometheusText(std::string* out) noexcept : out_(*out) {}

  enum class Type { kCounter, kGauge, kHistogram };
  // Begins a family; name and help are ours.
  void Family(const char* name, Type type, const char* help);
  // Samples of the family that has begun.
  void Number(MetricLabels labels, uint64_t value);
  void Seconds(MetricLabels labels, uint64_t nanoseconds);
  void Times(MetricLabels labels, const Histogram::Values& values);

 private:
  void Series(const char* suffix, MetricLabels labels, std::string_view le = {});

  std::string& out_;
  const char* family_ = "";
};

}  // namespace creche::capi
