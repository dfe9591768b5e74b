#include "library/lora_files.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "graph/suggest.h"

namespace obscura::library {

Result<std::shared_ptr<const adapter::AdapterFile>> open_lora(const ModelFolders& folders,
                                                              const std::string& name) {
  OBSCURA_ASSIGN(auto path, folders.find("loras", name));
  OBSCURA_ASSIGN(std::string identity, folders.identity("loras", name));
  return adapter::AdapterFile::open(path, name, std::move(identity));
}

Result<std::string> lora_called(const ModelFolders& folders, const std::string& name) {
  const std::vector<std::string> files = folders.list("loras");
  std::string found;
  for (const std::string& file : files) {
    const std::string stem = file.substr(0, file.rfind('.'));
    if (file == name || stem == name || stem.ends_with("/" + name)) found = file;
  }
  if (!found.empty()) return found;
  return Error(ErrorKind::kNotFound,
               fmt::format("no LoRA {} in the loras folder{}", graph::in_quotes(name),
                           graph::suggestion(name, files)));
}

}  // namespace obscura::library
