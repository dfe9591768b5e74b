// What a project has set for AUTOMATIC1111's clients, and what names in their requests mean there.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "server/jobs/service_parts.h"
#include "workflows/a1111_names.h"

namespace obscura::server {

// The settings of the project that somebody has set, over the defaults.
Result<nlohmann::ordered_json> a1111_options(const ServiceParts& parts, const std::string& project);
Status set_a1111_options(ServiceParts& parts, const std::string& project,
                         const nlohmann::ordered_json& options);

// Borrows the parts.
workflows::A1111Names a1111_names(const ServiceParts& parts, const std::string& project);

}  // namespace obscura::server
