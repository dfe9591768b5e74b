// /api/v1/results.
#include <charconv>

#include "server/api/job_json.h"
#include "server/api/routes.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

Response list_results(ServiceParts& parts, const Request& request) {
  auto page = page_of(request);
  if (!page.ok()) return error_response(page.error());
  const std::string* job = request.parameter("job");
  const std::string of_job = job == nullptr ? "" : *job;
  const std::string& project = request.caller.project;
  auto results = parts.results.list(project, of_job, page->limit, page->offset);
  if (!results.ok()) return error_response(results.error());
  auto total = parts.results.count(project, of_job);
  if (!total.ok()) return error_response(total.error());
  ordered_json list = ordered_json::array();
  for (const store::StoredResult& result : *results) list.push_back(result_json(result));
  return respond({{"results", std::move(list)}, {"total", *total}, {"offset", page->offset}});
}

// The result of this id, given to `answer`.
template <class Answer>
Response with_result(ServiceParts& parts, const Request& request, const std::string& id,
                     const Answer& answer) {
  std::int64_t number = 0;
  auto [end, code] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (code != std::errc() || end != id.data() + id.size()) number = 0;
  auto result = parts.results.find(request.caller.project, number);
  if (!result.ok()) return error_response(result.error());
  if (!*result) return error_response(404, "there is no result '" + id + "'");
  return answer(**result);
}

// It is named by its content, which never changes.
Response file_response(std::filesystem::path path, std::string type, const std::string& digest) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return error_response(404, "the file of this result is gone");
  }
  Response response;
  response.type = std::move(type);
  response.file = std::move(path);
  response.headers = {{"ETag", '"' + digest + '"'},
                      {"Cache-Control", "private, max-age=31536000, immutable"}};
  return response;
}

Response delete_result(ServiceParts& parts, const Request& request,
                       const store::StoredResult& result) {
  auto count = parts.results.forget(request.caller.project, result.id);
  if (!count.ok()) return error_response(count.error());
  forget_files(parts.results, parts.result_files, request.caller.project, {result.digest});
  return no_content();
}

}  // namespace

void add_api_result_routes(Router& router, ServiceParts& parts) {
  router.add("GET", "/v1/results", [&parts](const Request& request, const Captures&) {
    return list_results(parts, request);
  });
  router.add("GET", "/v1/results/{}", [&parts](const Request& request, const Captures& captures) {
    return with_result(parts, request, captures[0], [](const store::StoredResult& result) {
      return respond(result_json(result));
    });
  });
  router.add(
      "DELETE", "/v1/results/{}", [&parts](const Request& request, const Captures& captures) {
        return with_result(parts, request, captures[0], [&](const store::StoredResult& result) {
          return delete_result(parts, request, result);
        });
      });
  router.add(
      "GET", "/v1/results/{}/file", [&parts](const Request& request, const Captures& captures) {
        return with_result(parts, request, captures[0], [&](const store::StoredResult& result) {
          return file_response(parts.result_files.path(request.caller.project, result),
                               result.media_type, result.digest);
        });
      });
  router.add("GET", "/v1/results/{}/thumbnail",
             [&parts](const Request& request, const Captures& captures) {
               return with_result(
                   parts, request, captures[0], [&](const store::StoredResult& result) {
                     auto path = parts.result_files.thumbnail(request.caller.project, result);
                     return path.ok() ? file_response(*path, "image/webp", result.digest + "-t")
                                      : error_response(path.error());
                   });
             });
}

}  // namespace obscura::server
