// JSON as the service writes it.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "server/net/http.h"

namespace obscura::server {

// Compact JSON. Bytes that are not UTF-8 become U+FFFD: a name from a folder must not end a job.
std::string text_of(const nlohmann::json& value);
std::string text_of(const nlohmann::ordered_json& value);

Response respond(const nlohmann::ordered_json& value, int status = 200);

}  // namespace obscura::server
