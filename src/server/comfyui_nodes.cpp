// /object_info, /models and the like, /system_stats, /features, and lists that are empty here.
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <filesystem>

#include "graph/object_info.h"
#include "server/comfyui.h"
#include "server/event_hub.h"
#include "server/model_sidecar.h"
#include "server/text.h"

namespace obscura::server {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// What this API follows; clients switch on it.
constexpr char kComfyUiVersion[] = "0.3.64";

Response get_object_info(ComfyUi& api, const Request& request) {
  return respond(
      graph::object_info(api.studio.nodes(), api.studio.environment(request.caller.project)));
}

Response get_object_info_of(ComfyUi& api, const Request& request, const std::string& name) {
  const graph::NodeType* type = api.studio.nodes().find(name);
  ordered_json info = ordered_json::object();
  if (type != nullptr)
    info[name] = graph::object_info(*type, api.studio.environment(request.caller.project));
  return respond(info);
}

bool is_kind(const ComfyUi& api, const std::string& kind) {
  const std::vector<std::string> kinds = api.studio.model_kinds();
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

Response no_such_kind(const std::string& kind) {
  return error_response(404, "there is no folder of models called '" + kind + "'");
}

Response get_models(ComfyUi& api, const Request& request, const std::string& kind) {
  if (!is_kind(api, kind)) return no_such_kind(kind);
  ordered_json names = ordered_json::array();
  for (const ModelEntry& model : api.studio.models(request.caller.project, kind))
    names.push_back(model.name);
  return respond(names);
}

Response get_embeddings(ComfyUi& api, const Request& request) {
  ordered_json names = ordered_json::array();
  if (is_kind(api, "embeddings")) {
    for (const ModelEntry& model : api.studio.models(request.caller.project, "embeddings")) {
      names.push_back(std::filesystem::path(model.name).replace_extension().generic_string());
    }
  }
  return respond(names);
}

Response get_experiment_models(ComfyUi& api) {
  ordered_json list = ordered_json::array();
  // ComfyUI lists absolute paths of this machine here; clients only count them.
  for (const std::string& kind : api.studio.model_kinds())
    list.push_back({{"name", kind}, {"folders", {kind}}});
  return respond(list);
}

Response get_experiment_models_of(ComfyUi& api, const Request& request, const std::string& kind) {
  if (!is_kind(api, kind)) return no_such_kind(kind);
  ordered_json list = ordered_json::array();
  for (const ModelEntry& model : api.studio.models(request.caller.project, kind)) {
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

Response get_view_metadata(ComfyUi& api, const Request& request, const std::string& kind) {
  const std::string* name = request.parameter("filename");
  if (name == nullptr) return error_response(404, "wanted the parameter filename");
  if (!is_kind(api, kind)) return no_such_kind(kind);
  const std::string& project = request.caller.project;
  const std::vector<ModelEntry> models = api.studio.models(project, kind);
  const auto model = std::find_if(models.begin(), models.end(),
                                  [&](const ModelEntry& entry) { return entry.name == *name; });
  if (model == models.end()) return error_response(404, "there is no model '" + *name + "'");
  auto metadata = api.studio.model_metadata(project, kind, *name);
  return metadata.ok() ? respond(*metadata)
                       : error_response(404, "'" + *name + "' has no metadata that can be read");
}

Response get_system_stats(ComfyUi& api) {
  struct sysinfo memory {};
  ::sysinfo(&memory);
  // ComfyUI shows its command line as argv; here it may hold the token.
  return respond({{"system",
                   {{"os", "posix"},
                    {"ram_total", std::uint64_t{memory.totalram} * memory.mem_unit},
                    {"ram_free", std::uint64_t{memory.freeram} * memory.mem_unit},
                    {"comfyui_version", kComfyUiVersion},
                    {"obscura_version", api.studio.version()},
                    {"python_version", ""},
                    {"pytorch_version", ""},
                    {"embedded_python", false},
                    {"argv", ordered_json::array()}}},
                  {"devices", api.studio.devices()}});
}

}  // namespace

void add_node_routes(Router& router, ComfyUi& api) {
  router.add("GET", "/object_info", [&api](const Request& request, const Captures&) {
    return get_object_info(api, request);
  });
  router.add("GET", "/object_info/{}", [&api](const Request& request, const Captures& captures) {
    return get_object_info_of(api, request, captures[0]);
  });
  router.add("GET", "/models",
             [&api](const Request&, const Captures&) { return respond(api.studio.model_kinds()); });
  router.add("GET", "/models/{}", [&api](const Request& request, const Captures& captures) {
    return get_models(api, request, captures[0]);
  });
  router.add("GET", "/embeddings", [&api](const Request& request, const Captures&) {
    return get_embeddings(api, request);
  });
  router.add("GET", "/experiment/models",
             [&api](const Request&, const Captures&) { return get_experiment_models(api); });
  router.add("GET", "/experiment/models/{}",
             [&api](const Request& request, const Captures& captures) {
               return get_experiment_models_of(api, request, captures[0]);
             });
  // The number is the folder's in get_experiment_models_of().
  router.add("GET", "/experiment/models/preview/{}/0/{}",
             [&api](const Request& request, const Captures& captures) {
               return respond_preview(api.studio, api.background, request, captures[0],
                                      captures[1]);
             });
  router.add("GET", "/view_metadata/{}", [&api](const Request& request, const Captures& captures) {
    return get_view_metadata(api, request, captures[0]);
  });
  router.add("GET", "/system_stats",
             [&api](const Request&, const Captures&) { return get_system_stats(api); });
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
