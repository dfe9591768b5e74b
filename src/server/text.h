// Text as the service writes and compares it.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "server/http.h"

namespace obscura::server {

// ASCII letters in lower case; everything else as it is.
std::string lower(std::string_view text);

// Compact JSON. Bytes that are not UTF-8 become U+FFFD: a name from a folder must not end a job.
std::string text_of(const nlohmann::json& value);
std::string text_of(const nlohmann::ordered_json& value);

Response respond(const nlohmann::ordered_json& value, int status = 200);

}  // namespace obscura::server
