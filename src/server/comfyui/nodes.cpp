// /object_info, /models and the like, /system_stats, /features, and lists that are empty here.
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <filesystem>

#include "graph/object_info.h"
#include "server/comfyui/client_sockets.h"
#include "server/comfyui/routes.h"
#include "server/net/text.h"
#include "server/studio/model_sidecar.h"

namespace obscura::server {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// What this API follows; clients switch on it.
constexpr char kComfyUiVersion[] = "0.3.64";

Response get_object_info(ServiceParts& parts, const Request& request) {
  return respond(
      graph::object_info(parts.studio.nodes(), parts.studio.environment(request.caller.project)));
}

Response get_object_info_of(ServiceParts& parts, const Request& request, const std::string& name) {
  const graph::NodeType* type = parts.studio.nodes().find(name);
  ordered_json info = ordered_json::object();
  if (type != nullptr)
    info[name] = graph::object_info(*type, parts.studio.environment(request.caller.project));
  return respond(info);
}

bool is_kind(const ServiceParts& parts, const std::string& kind) {
  const std::vector<std::string> kinds = parts.studio.model_kinds();
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

Response no_such_kind(const std::string& kind) {
  return error_response(404, "there is no folder of models called '" + kind + "'");
}

Response get_models(ServiceParts& parts, const Request& request, const std::string& kind) {
  if (!is_kind(parts, kind)) return no_such_kind(kind);
  ordered_json names = ordered_json::array();
  for (const ModelEntry& model : parts.studio.models(request.caller.project, kind))
    names.push_back(model.name);
  return respond(names);
}

Response get_embeddings(ServiceParts& parts, const Request& request) {
  ordered_json names = ordered_json::array();
  if (is_kind(parts, "embeddings")) {
    for (const ModelEntry& model : parts.studio.models(request.caller.project, "embeddings")) {
      names.push_back(std::filesystem::path(model.name).replace_extension().generic_string());
    }
  }
  return respond(names);
}

Response get_experiment_models(ServiceParts& parts) {
  ordered_json list = ordered_json::array();
  // ComfyUI lists absolute paths of this machine here; clients only count them.
  for (const std::string& kind : parts.studio.model_kinds())
    list.push_back({{"name", kind}, {"folders", {kind}}});
  return respond(list);
}

Response get_experiment_models_of(ServiceParts& parts, const Request& request,
                                  const std::string& kind) {
  if (!is_kind(parts, kind)) return no_such_kind(kind);
  ordered_json list = ordered_json::array();
  for (const ModelEntry& model : parts.studio.models(request.caller.project, kind)) {
    ordered_json entry = {{"name", model.name}, {"pathIndex", 0}};
    struct stat facts {};
    if (model.path && ::stat(model.path->c_str(), &facts) == 0) {
      entry["modified"] = facts.st_mtime;
      entry["created"] = facts.st_ctime;
      entry["size"] = facts.st_size;
    }
    list.push_back(std::move(entry));
  }
  return respond(list);
}

Response get_view_metadata(ServiceParts& parts, const Request& request, const std::string& kind) {
  const std::string* name = request.parameter("filename");
  if (name == nullptr) return error_response(404, "wanted the parameter filename");
  if (!is_kind(parts, kind)) return no_such_kind(kind);
  const std::string& project = request.caller.project;
  const std::vector<ModelEntry> models = parts.studio.models(project, kind);
  const auto model = std::find_if(models.begin(), models.end(),
                                  [&](const ModelEntry& entry) { return entry.name == *name; });
  if (model == models.end()) return error_response(404, "there is no model '" + *name + "'");
  auto metadata = parts.studio.model_metadata(project, kind, *name);
  return metadata.ok() ? respond(*metadata)
                       : error_response(404, "'" + *name + "' has no metadata that can be read");
}

Response get_system_stats(ServiceParts& parts) {
  struct sysinfo memory {};
  ::sysinfo(&memory);
  // ComfyUI shows its command line as argv; here it may hold the token.
  return respond({{"system",
                   {{"os", "posix"},
                    {"ram_total", std::uint64_t{memory.totalram} * memory.mem_unit},
                    {"ram_free", std::uint64_t{memory.freeram} * memory.mem_unit},
                    {"comfyui_version", kComfyUiVersion},
                    {"obscura_version", parts.studio.version()},
                    {"python_version", ""},
                    {"pytorch_version", ""},
                    {"embedded_python", false},
                    {"argv", ordered_json::array()}}},
                  {"devices", parts.studio.devices()}});
}

}  // namespace

void add_node_routes(Router& router, ServiceParts& parts) {
  router.add("GET", "/object_info", [&parts](const Request& request, const Captures&) {
    return get_object_info(parts, request);
  });
  router.add("GET", "/object_info/{}", [&parts](const Request& request, const Captures& captures) {
    return get_object_info_of(parts, request, captures[0]);
  });
  router.add("GET", "/models", [&parts](const Request&, const Captures&) {
    return respond(parts.studio.model_kinds());
  });
  router.add("GET", "/models/{}", [&parts](const Request& request, const Captures& captures) {
    return get_models(parts, request, captures[0]);
  });
  router.add("GET", "/embeddings", [&parts](const Request& request, const Captures&) {
    return get_embeddings(parts, request);
  });
  router.add("GET", "/experiment/models",
             [&parts](const Request&, const Captures&) { return get_experiment_models(parts); });
  router.add("GET", "/experiment/models/{}",
             [&parts](const Request& request, const Captures& captures) {
               return get_experiment_models_of(parts, request, captures[0]);
             });
  // The number is the folder's in get_experiment_models_of().
  router.add("GET", "/experiment/models/preview/{}/0/{}",
             [&parts](const Request& request, const Captures& captures) {
               return respond_preview(parts.studio, parts.background, request, captures[0],
                                      captures[1]);
             });
  router.add("GET", "/view_metadata/{}",
             [&parts](const Request& request, const Captures& captures) {
               return get_view_metadata(parts, request, captures[0]);
             });
  router.add("GET", "/system_stats",
             [&parts](const Request&, const Captures&) { return get_system_stats(parts); });
  router.add("GET", "/features",
             [](const Request&, const Captures&) { return respond(server_features()); });
  router.add("GET", "/extensions",
             [](const Request&, const Captures&) { return respond(ordered_json::array()); });
  for (const char* path :
       {"/workflow_templates", "/i18n", "/global_subgraphs", "/node_replacements"}) {
    router.add("GET", path,
               [](const Request&, const Captures&) { return respond(ordered_json::object()); });
  }
  // As a ComfyUI answers that has its database of assets switched off.
  router.add("GET", "/assets", [](const Request&, const Captures&) {
    const ordered_json error = {{"code", "SERVICE_DISABLED"},
                                {"message", "there is no database of assets"},
                                {"details", ordered_json::object()}};
    return respond({{"error", error}}, 503);
  });
}

}  // namespace obscura::server
