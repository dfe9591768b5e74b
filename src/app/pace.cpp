#include "app/pace.h"

#include <fmt/format.h>

namespace obscura::app {

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole >= 3600)
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

void Pace::restart(Time now) {
  begin_ = now;
  first_ = value_ = max_ = 0;
}

void Pace::set(std::int64_t value, std::int64_t max, Time now) {
  if (value < value_ || max_ == 0) {
    begin_ = now;
    first_ = value;
  }
  value_ = value;
  max_ = max;
}

std::string Pace::rate(Time now) const {
  if (value_ <= first_) return "";
  const double each = seconds_each(now);
  return each < 1 ? fmt::format("{:.1f} it/s", 1 / each) : fmt::format("{:.2f} s/it", each);
}

std::string Pace::left(Time now) const {
  if (value_ <= first_) return "";
  return clock_text(seconds_each(now) * static_cast<double>(max_ - value_));
}

double Pace::seconds_each(Time now) const {
  return std::chrono::duration<double>(now - begin_).count() / static_cast<double>(value_ - first_);
}

}  // namespace obscura::app
