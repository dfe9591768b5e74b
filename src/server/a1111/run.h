// What A1111's routes that make images have in common: reading the body, running a workflow, and
// the images that came of it.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/jobs/service_parts.h"
#include "server/net/http.h"
#include "store/job_store.h"

namespace obscura::server {

// {error, detail, body, errors}, as A1111 answers.
Response a1111_error(int status, const std::string& detail);
Response a1111_error(const Error& error);

// An object; empty if the request has no body.
Result<nlohmann::ordered_json> a1111_body(const Request& request);

struct A1111Image {
  std::string bytes;
  nlohmann::ordered_json texts;  // that it carries
};
// The images of a job that is over, in the order of its output nodes.
Result<std::vector<A1111Image>> a1111_images(ServiceParts& parts, const store::Job& job);

// Submits the workflow; `answer` makes the response once the job is over.
Response run_a1111(ServiceParts& parts, const Request& request,
                   const nlohmann::ordered_json& workflow,
                   std::function<Response(const store::Job&)> answer);

}  // namespace obscura::server
