// Jobs, results and the queue as docs/openapi.json describes them.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "server/jobs/job_queue.h"
#include "store/job_store.h"
#include "store/result_store.h"

namespace obscura::server {

std::string_view name_of(store::JobState state);
nlohmann::ordered_json job_json(const store::JobSummary& job);
nlohmann::ordered_json result_json(const store::StoredResult& result);
nlohmann::ordered_json queue_json(const QueueState& queue);

}  // namespace obscura::server
