// A job of the store, read for running it.
#pragma once

#include "base/result.h"
#include "server/studio/studio.h"
#include "store/job_store.h"

namespace obscura::server {

struct ParsedJob {
  JobToRun job;
  bool previews = true;
};

// What submit() was given passed the same checks then; a file may have been changed since.
Result<ParsedJob> parse_job(const store::Job& job);

}  // namespace obscura::server
