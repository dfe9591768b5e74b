#include "nodes/saving.h"

#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "base/result.h"
#include "library/folder_paths.h"

namespace obscura::nodes {

graph::NodeType& saving_node(graph::NodeType& node) {
  return node.hidden(graph::Hidden::kPrompt)
      .hidden(graph::Hidden::kExtraPngInfo)
      .output_node()
      .validate(validate_filename_prefix);
}

Status validate_filename_prefix(const graph::NodeInputs& inputs, const graph::Environment&) {
  if (!inputs.has("filename_prefix")) return {};
  auto path = library::path_below("", inputs.get<std::string>("filename_prefix") + "_");
  return path.ok() ? Status() : Status(path.error().in("input \"filename_prefix\""));
}

io::ImageMetadata workflow_texts(const graph::NodeCall& call) {
  io::ImageMetadata texts = {{"prompt", call.prompt().dump(-1, ' ', true)}};
  for (const auto& [key, value] : call.extra_pnginfo().items())
    texts.push_back({key, value.dump(-1, ' ', true)});
  return texts;
}

void add_workflow(const graph::NodeCall& call, io::SafetensorsMetadata& metadata) {
  metadata["prompt"] = call.prompt().dump();
  for (const auto& [key, value] : call.extra_pnginfo().items()) metadata[key] = value.dump();
}

Result<library::StoredFile> store_file(const graph::NodeCall& call, std::string extension,
                                       std::function<Status(const std::filesystem::path&)> write) {
  library::FinishedFile file;
  file.node = call.node();
  file.prefix = call.get<std::string>("filename_prefix");
  file.extension = std::move(extension);
  file.write = std::move(write);
  return call.environment<library::ImageSink>().store(file);
}

nlohmann::json as_ui(const library::StoredFile& file) {
  return {{"filename", file.filename}, {"subfolder", file.subfolder}, {"type", file.type}};
}

}  // namespace obscura::nodes
