// Jobs as docs/openapi.json describes them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "store/job_store.h"
#include "store/result_store.h"

namespace obscura::server {

std::string_view name_of(store::JobState state);
nlohmann::ordered_json job_json(const store::JobSummary& job);
nlohmann::ordered_json result_json(const store::StoredResult& result);

// Milliseconds since 1970.
std::int64_t now_ms();
// A random UUID, version 4.
std::string new_uuid();
// Whether it is one, with hyphens and in lower case.
bool is_uuid(std::string_view text);

}  // namespace obscura::server
