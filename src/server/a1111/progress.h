// How far a job is, as AUTOMATIC1111's clients ask for it every other moment.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "server/jobs/job_report.h"

namespace obscura::server {

struct A1111Progress {
  std::string job;              // empty: none of the project's runs
  std::int64_t running_ms = 0;  // for so long
  JobReport::Progress progress;
  std::size_t remaining = 0;  // the project's jobs that wait or run
  bool with_image = true;
};

nlohmann::ordered_json a1111_progress(const A1111Progress& state);

}  // namespace obscura::server
