#include "capi/prometheus.h"

#include "core/utf8.h"

namespace creche::capi {

namespace {

// The bounds that are written: the upper ends of these buckets. What is shorter or longer stands in
// the next one and in +Inf.
constexpr int kFirstBucket = 9;  // up to a microsecond
constexpr int kLastBucket = 35;  // up to 69 seconds

const char* NameOf(PrometheusText::Type type) noexcept {
  switch (type) {
    case PrometheusText::Type::kCounter:
      return "counter";
    case PrometheusText::Type::kGauge:
      return "gauge";
    case PrometheusText::Type::kHistogram:
      break;
  }
  return "histogram";
}

void AppendSecondsTo(std::string* out, uint64_t nanoseconds) {
  constexpr uint64_t kSecondsUnit = 1'000'000'000;
  *out += std::to_string(nanoseconds / kSecondsUnit);
  std::string fraction = std::to_string(kSecondsUnit + nanoseconds % kSecondsUnit);
  fraction[0] = '.';
  fraction.resize(fraction.find_last_not_of('0') + 1);
  if (fraction.size() > 1) *out += fraction;
}

}  // namespace

void PrometheusText::Family(const char* name, Type type, const char* help) {
  family_ = name;
  ((out_ += "# HELP ") += name) += ' ';
  (out_ += help) += "\n# TYPE ";
  (((out_ += name) += ' ') += NameOf(type)) += '\n';
}

// A name with its labels, and the blank before the value.
void PrometheusText::Series(const char* suffix, MetricLabels labels, std::string_view le) {
  (out_ += family_) += suffix;
  char before = '{';
  for (const MetricLabel& label : labels) {
    ((out_ += before) += label.name) += "=\"";
    before = ',';
    std::string value(label.value);
    MakeUtf8(&value);
    for (const char c : value) {
      if (c == '\\' || c == '"') out_ += '\\';
      if (c == '\n')
        out_ += "\\n";
      else
        out_ += c;
    }
    out_ += '"';
  }
  if (!le.empty()) (((out_ += before) += "le=\"") += le) += '"';
  out_ += "} ";
}

void PrometheusText::Number(MetricLabels labels, uint64_t value) {
  Series("", labels);
  (out_ += std::to_string(value)) += '\n';
}

void PrometheusText::Seconds(MetricLabels labels, uint64_t nanoseconds) {
  Series("", labels);
  AppendSecondsTo(&out_, nanoseconds);
  out_ += '\n';
}

void PrometheusText::Times(MetricLabels labels, const Histogram::Values& values) {
  uint64_t count = 0;
  std::string bound;
  for (int i = 0; i < Histogram::kBuckets; i++) {
    count += values.buckets[i];
    if (i < kFirstBucket || i > kLastBucket) continue;
    // A bucket has the times below 2^(i+1) nanoseconds, a bound those up to it.
    bound.clear();
    AppendSecondsTo(&bound, (uint64_t{2} << i) - 1);
    Series("_bucket", labels, bound);
    (out_ += std::to_string(count)) += '\n';
  }
  Series("_bucket", labels, "+Inf");
  (out_ += std::to_string(count)) += '\n';
  Series("_sum", labels);
  AppendSecondsTo(&out_, values.sum);
  out_ += '\n';
  // Of the buckets, not the histogram's own: they may be an event apart, and must be the same here.
  Series("_count", labels);
  (out_ += std::to_string(count)) += '\n';
}

}  // namespace creche::capi
