#include "server/a1111/progress.h"

#include "base/base64.h"

namespace obscura::server {

using nlohmann::ordered_json;

ordered_json a1111_progress(const A1111Progress& state) {
  const auto step = static_cast<int>(state.progress.value),
             steps = static_cast<int>(state.progress.max);
  const double done = steps > 0 ? static_cast<double>(step) / steps : 0;
  const double elapsed = static_cast<double>(state.running_ms) / 1000;
  ordered_json image = nullptr;
  if (state.with_image && !state.progress.preview.empty()) {
    image = encode_base64(state.progress.preview);
  }
  return {{"progress", done},
          {"eta_relative", done > 0 ? elapsed / done - elapsed : 0},
          {"state",
           {{"skipped", false},
            {"interrupted", false},
            {"stopping_generation", false},
            {"job", state.job},
            {"job_count", state.remaining},
            {"job_timestamp", "0"},
            {"job_no", 0},
            {"sampling_step", step},
            {"sampling_steps", steps}}},
          {"current_image", std::move(image)},
          {"textinfo", nullptr}};
}

}  // namespace obscura::server
