// What A1111's routes that make pictures have in common: reading the body, running a workflow, and
// the pictures that came of it.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/api.h"

namespace obscura::server {

// {error, detail, body, errors}, as A1111 answers.
Response a1111_error(int status, const std::string& detail);
Response a1111_error(const Error& error);

// An object; empty if the request has no body.
Result<nlohmann::ordered_json> a1111_body(const Request& request);

struct A1111Picture {
  std::string bytes;
  nlohmann::ordered_json texts;  // that it carries
};
// The pictures of a job that is over, in the order of its output nodes.
Result<std::vector<A1111Picture>> a1111_pictures(Api& api, const store::Job& job);

// Submits the workflow; `answer` makes the response once the job is over.
Response run_a1111(Api& api, const Request& request, const nlohmann::ordered_json& workflow,
                   std::function<Response(const store::Job&)> answer);

// extra-single-image and extra-batch-images.
void add_a1111_extras_routes(Router& router, Api& api);

}  // namespace obscura::server
