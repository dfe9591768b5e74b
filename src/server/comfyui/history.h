// What ComfyUI's history says of a job's course: [["execution_start", {…}], …].
#pragma once

#include "server/jobs/job_listener.h"

namespace obscura::server {

class ComfyUiHistory final : public HistoryFormat {
 public:
  std::string history(std::span<const JobEvent> course) const override;
};

}  // namespace obscura::server
