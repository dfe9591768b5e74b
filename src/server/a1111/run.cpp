#include "server/a1111/run.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/files.h"
#include "graph/json_text.h"
#include "server/jobs/submission.h"
#include "server/net/limits.h"
#include "server/net/text.h"
#include "server/studio/project_folders.h"

namespace obscura::server {

using nlohmann::ordered_json;

// {error, detail, body, errors}, as A1111 answers.
Response a1111_error(int status, const std::string& detail) {
  return respond({{"error", status == 422 ? "Unprocessable Entity" : "Error"},
                  {"detail", detail},
                  {"body", ""},
                  {"errors", detail}},
                 status);
}
Response a1111_error(const Error& error) {
  const ErrorAnswer answer = answer_to(error);
  const ErrorKind kind = error.kind();
  const bool ours =
      kind == ErrorKind::kIo || kind == ErrorKind::kDiskFull || kind == ErrorKind::kInternal;
  return a1111_error(ours ? answer.status : 422, answer.text);
}

Result<ordered_json> a1111_body(const Request& request) {
  if (request.body.empty()) return ordered_json::object();
  OBSCURA_ASSIGN(ordered_json body, graph::parse_json(request.body, {.bytes = kMaxUploadBytes}));
  if (!body.is_object()) return Error(ErrorKind::kInvalidInput, "wanted a JSON object");
  return body;
}

Result<std::vector<A1111Image>> a1111_images(ServiceParts& parts, const store::Job& job) {
  OBSCURA_ASSIGN(ordered_json outputs, graph::parse_json(job.outputs));
  std::vector<std::pair<int, ordered_json>> nodes;
  for (const auto& [id, ui] : outputs.items())
    if (ui.is_object() && ui.contains("images")) nodes.emplace_back(std::stoi(id), ui["images"]);
  std::sort(nodes.begin(), nodes.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  const ProjectFolders folders(parts.data, job.project);
  std::vector<A1111Image> images;
  for (const auto& [id, list] : nodes) {
    for (const ordered_json& entry : list) {
      const FileArea* area = folders.area(entry.value("type", ""));
      if (area == nullptr) continue;
      const std::string subfolder = entry.value("subfolder", "");
      const std::string name = entry.value("filename", "");
      OBSCURA_ASSIGN(auto path, area->find(subfolder.empty() ? name : subfolder + "/" + name));
      A1111Image image;
      OBSCURA_ASSIGN(image.bytes, read_file(path, kMostImageBytes));
      auto texts = parts.studio.image_texts(image.bytes);
      if (texts.ok()) image.texts = std::move(texts).value();
      images.push_back(std::move(image));
    }
  }
  return images;
}

Response run_a1111(ServiceParts& parts, const Request& request, const ordered_json& workflow,
                   std::function<Response(const store::Job&)> answer) {
  Submission submission;
  submission.prompt = workflow;
  submission.source = "a1111";
  auto checked = check_submission(parts.studio, request.caller, submission);
  if (!checked.ok()) return a1111_error(checked.error());
  if (!checked->job || !checked->verdict["node_errors"].empty()) {
    return a1111_error(
        422, checked->verdict.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  }
  Response response;
  response.later = [&parts, job = *checked->job, to_run = checked->checked,
                    answer = std::move(answer)](Respond respond) {
    auto finished = [&parts, project = job.project, id = job.id, answer, respond] {
      auto over = parts.jobs.find(project, id);
      if (!over.ok()) return respond(a1111_error(over.error()));
      if (!*over) return respond(a1111_error(500, "the job is gone"));
      if ((*over)->state == store::JobState::kFailed) {
        return respond(a1111_error(500, (*over)->error));
      }
      respond(answer(**over));
    };
    auto number = parts.queue.submit(job, to_run, finished);
    if (!number.ok()) respond(a1111_error(number.error()));
  };
  return response;
}

}  // namespace obscura::server
