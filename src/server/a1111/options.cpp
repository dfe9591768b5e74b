#include "server/a1111/options.h"

#include <utility>
#include <vector>

#include "graph/json_text.h"
#include "server/net/text.h"
#include "server/studio/studio.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

std::string setting_of(const std::string& project) {
  return "a1111.options." + project;
}

}  // namespace

Result<ordered_json> a1111_options(const ServiceParts& parts, const std::string& project) {
  const std::vector<ModelEntry> checkpoints = parts.studio.models(project, "checkpoints");
  ordered_json options = {
      {"sd_model_checkpoint", checkpoints.empty() ? "" : checkpoints.front().name},
      {"sd_checkpoint_hash", ""},
      {"sd_vae", "Automatic"},
      {"CLIP_stop_at_last_layers", 1},
      {"samples_format", "png"},
      {"randn_source", "CPU"},
      {"enable_pnginfo", true}};
  OBSCURA_ASSIGN(std::string stored, parts.accounts.setting(setting_of(project)));
  if (stored.empty()) return options;
  OBSCURA_ASSIGN(ordered_json set, graph::parse_json(stored));
  if (set.is_object()) options.update(set);
  return options;
}

Status set_a1111_options(ServiceParts& parts, const std::string& project,
                         const ordered_json& options) {
  return parts.accounts.set(setting_of(project), text_of(options));
}

workflows::A1111Names a1111_names(const ServiceParts& parts, const std::string& project) {
  workflows::A1111Names names{.nodes = parts.studio.nodes(),
                              .models =
                                  [&studio = parts.studio, project](const char* kind) {
                                    std::vector<std::string> found;
                                    for (ModelEntry& model : studio.models(project, kind))
                                      found.push_back(std::move(model.name));
                                    return found;
                                  },
                              .keep_unknown_models = false,
                              .styles = {}};
  for (PromptStyle& style : parts.studio.prompt_styles(project))
    names.styles.push_back(std::move(style.name));
  return names;
}

}  // namespace obscura::server
