// LoRAs and their relatives of the loras folders.
#pragma once

#include <memory>
#include <string>

#include "adapter/adapter_file.h"
#include "base/result.h"
#include "library/model_folders.h"

namespace obscura::library {

// `name` is one of ModelFolders::list("loras").
Result<std::shared_ptr<const adapter::AdapterFile>> open_lora(const ModelFolders& folders,
                                                              const std::string& name);
// The file that a prompt means: by its whole name, or without ending, or without folders too.
// kNotFound says what is nearest.
Result<std::string> lora_called(const ModelFolders& folders, const std::string& name);

}  // namespace obscura::library
