#include "app/model_defaults.h"

#include "app/engine.h"
#include "checkpoint/pocket.h"

namespace obscura::app {
namespace {

constexpr char kPocketSha256[] = "19b0c20c3ebac1d954dbad25cdb230ce1d89f8c84f3d7582b7663f2939a67800";

}  // namespace

void open_model_folders(library::ModelFolders& models,
                        const std::vector<std::filesystem::path>& roots) {
  for (const std::filesystem::path& root : roots.empty() ? default_model_folders() : roots)
    models.add_root(root);
  models.add_embedded(std::string(checkpoint::kPocketModelName), checkpoint::pocket_model(),
                      kPocketSha256);
}

Result<std::string> trained_size(const std::vector<std::filesystem::path>& roots,
                                 const std::string& name) {
  library::ModelFolders models;
  open_model_folders(models, roots);
  OBSCURA_ASSIGN(io::TensorFile file, models.read("checkpoints", name));
  auto found = file.metadata().find("modelspec.resolution");
  return found == file.metadata().end() ? std::string("1024x1024") : found->second;
}

}  // namespace obscura::app
