// /internal: what ComfyUI's editor shows of the server itself. Logs and folders name files of every
// project, so they are the owner's.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "graph/json_text.h"
#include "server/comfyui/routes.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

Response get_log(LogFeed& log) {
  std::string text;
  for (const LogTail::Line& line : log.tail.lines()) text += line.time + " - " + line.text;
  return respond(text);
}

Response get_raw_log(LogFeed& log) {
  return respond(ordered_json(logs_message(log.tail.lines())));
}

Response subscribe(LogFeed& log, const Request& request) {
  auto body = graph::parse_json(request.body);
  if (!body.ok()) return error_response(body.error());
  auto client = body->is_object() ? body->find("clientId") : body->end();
  auto enabled = body->is_object() ? body->find("enabled") : body->end();
  if (!body->is_object() || client == body->end() || !client->is_string() ||
      enabled == body->end() || !enabled->is_boolean()) {
    return error_response(400, R"(wanted {"clientId": TEXT, "enabled": true or false})");
  }
  log.subscribe(request.caller.project, *client, *enabled);
  return respond(ordered_json::object());
}

Response get_folder_paths(const ServiceParts& parts, const Request& request) {
  std::map<std::string, std::set<std::string>> folders;
  for (const std::string& kind : parts.studio.model_kinds()) {
    std::set<std::string>& paths = folders[kind];
    for (const ModelEntry& model : parts.studio.models(request.caller.project, kind)) {
      if (!model.path) continue;
      // The folder that the name is below.
      fs::path folder = *model.path;
      for (const fs::path& part : fs::path(model.name))
        if (!part.empty()) folder = folder.parent_path();
      paths.insert(folder.string());
    }
  }
  return respond(ordered_json(folders));
}

// Names of the files of the folder itself, the newest first.
Response get_files(const ServiceParts& parts, const Request& request, const std::string& type) {
  const ProjectFolders folders = parts.folders(request);
  const FileArea* area = folders.area(type);
  if (area == nullptr) return error_response(400, "wanted output, input or temp");
  std::vector<std::pair<fs::file_time_type, std::string>> files;
  std::error_code error;
  for (fs::directory_iterator at(area->root(), error), end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;
    const std::string name = at->path().filename().string();
    if (name.starts_with('.') || !at->is_regular_file(gone)) continue;
    files.emplace_back(at->last_write_time(gone), name);
  }
  std::sort(files.begin(), files.end(), std::greater<>());
  ordered_json names = ordered_json::array();
  for (const auto& [time, name] : files) names.push_back(name);
  return respond(names);
}

}  // namespace

void add_internal_routes(Router& router, ServiceParts& parts, LogFeed& log) {
  router.add(
      "GET", "/internal/logs", [&log](const Request&, const Captures&) { return get_log(log); },
      Role::kOwner);
  router.add(
      "GET", "/internal/logs/raw",
      [&log](const Request&, const Captures&) { return get_raw_log(log); }, Role::kOwner);
  router.add(
      "PATCH", "/internal/logs/subscribe",
      [&log](const Request& request, const Captures&) { return subscribe(log, request); },
      Role::kOwner);
  router.add(
      "GET", "/internal/folder_paths",
      [&parts](const Request& request, const Captures&) {
        return get_folder_paths(parts, request);
      },
      Role::kOwner);
  router.add("GET", "/internal/files/{}",
             [&parts](const Request& request, const Captures& captures) {
               return get_files(parts, request, captures[0]);
             });
}

}  // namespace obscura::server
