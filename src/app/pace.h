// How fast the steps of a node go, and how long the rest of them will take.
//
// Not thread safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace obscura::app {

// "0:07", "12:30", "1:02:03", rounded to seconds.
std::string clock_text(double seconds);

class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Another node begins, which has told of no steps yet.
  void restart(Time now);
  // `value` of `max` steps are done. What counts anew, such as the second sampler of a node, is
  // timed anew.
  void set(std::int64_t value, std::int64_t max, Time now);

  std::int64_t value() const { return value_; }
  std::int64_t max() const { return max_; }  // 0: no steps yet
  // "12.3 it/s", "4.50 s/it"; empty before the first step that was timed.
  std::string rate(Time now) const;
  // As clock_text(); empty with rate().
  std::string left(Time now) const;

 private:
  double seconds_each(Time now) const;

  Time begin_;
  std::int64_t first_ = 0, value_ = 0, max_ = 0;
};

}  // namespace obscura::app
