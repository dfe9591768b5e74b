// SaveImageFormat: pictures in the formats that print and compositing want.
#include <fmt/format.h>

#include "graph/node_registry.h"
#include "graph/workflow.h"
#include "io/exr.h"
#include "io/png.h"
#include "io/tiff.h"
#include "nodes/folder_paths.h"
#include "nodes/picture_sink.h"
#include "nodes/recipe.h"
#include "nodes/sockets.h"
#include "nodes/upstream.h"

namespace obscura::nodes {
namespace {

using namespace graph;

struct Format {
  std::string_view name;
  const char* extension;
  Result<std::vector<std::byte>> (*encode)(const Tensor&, const io::ImageMetadata&);
};

constexpr Format kFormats[] = {
    {"png, 16 bits", "png",
     [](const Tensor& pixels, const io::ImageMetadata& texts) {
       return io::encode_png(pixels, texts, {.bits = 16});
     }},
    {"tiff, 8 bits", "tif",
     [](const Tensor& pixels, const io::ImageMetadata& texts) {
       return io::encode_tiff(pixels, texts, {.sample = io::TiffSample::kUint8});
     }},
    {"tiff, 16 bits", "tif",
     [](const Tensor& pixels, const io::ImageMetadata& texts) {
       return io::encode_tiff(pixels, texts, {.sample = io::TiffSample::kUint16});
     }},
    {"tiff, float", "tif",
     [](const Tensor& pixels, const io::ImageMetadata& texts) {
       return io::encode_tiff(pixels, texts, {.sample = io::TiffSample::kFloat32});
     }},
    {"exr, half", "exr",
     [](const Tensor& pixels, const io::ImageMetadata& texts) {
       return io::encode_exr(pixels, texts, io::ExrSample::kHalf);
     }},
    {"exr, float", "exr",
     [](const Tensor& pixels, const io::ImageMetadata& texts) {
       return io::encode_exr(pixels, texts, io::ExrSample::kFloat);
     }},
};

std::vector<std::string> format_names(const Environment&) {
  std::vector<std::string> names;
  for (const Format& format : kFormats) names.emplace_back(format.name);
  return names;
}

const Format& format_called(std::string_view name) {
  for (const Format& format : kFormats)
    if (format.name == name) return format;
  return kFormats[0];
}

// The workflow and the recipe, as SaveImage writes them.
Result<io::ImageMetadata> texts_of(const NodeCall& call, std::int64_t index, const Tensor& pixels) {
  OBSCURA_ASSIGN(Workflow workflow, Workflow::from_json(call.prompt()));
  OBSCURA_ASSIGN(Recipe recipe,
                 make_recipe(call, index, seed_of(workflow, call.node().id, index), pixels));
  io::ImageMetadata texts = {{"prompt", call.prompt().dump(-1, ' ', true)}};
  for (const auto& [key, value] : call.extra_pnginfo().items())
    texts.push_back({key, value.dump(-1, ' ', true)});
  texts.push_back({"recipe", recipe.json.dump(-1, ' ', true)});
  return texts;
}

Result<NodeResult> run_save_image_format(NodeCall& call) {
  const Tensor& images = call.get<Picture>("images").pixels;
  const Format& format = format_called(call.get<std::string>("format"));
  const Shape& s = images.shape();
  nlohmann::json stored = nlohmann::json::array();
  for (std::int64_t i = 0; i < s[0]; ++i) {
    OBSCURA_TRY(call.check_cancelled());
    const Tensor pixels = images.slice(i).reshaped({s[1], s[2], s[3]});
    OBSCURA_ASSIGN(io::ImageMetadata texts, texts_of(call, i, pixels));
    OBSCURA_ASSIGN(std::vector<std::byte> bytes, format.encode(pixels, texts));
    FinishedFile file;
    file.node = call.node();
    file.prefix = call.get<std::string>("filename_prefix");
    file.extension = format.extension;
    file.write = [&](const std::filesystem::path& path) -> Status {
      OBSCURA_ASSIGN(AtomicFile target, AtomicFile::create(path));
      OBSCURA_TRY(target.write(bytes));
      return target.commit_new();
    };
    OBSCURA_ASSIGN(StoredPicture place, call.environment<PictureSink>().store(file));
    stored.push_back(
        {{"filename", place.filename}, {"subfolder", place.subfolder}, {"type", place.type}});
  }
  return NodeResult().ui({{"images", std::move(stored)}});
}

Status save_image_format_validate_prefix(const NodeInputs& inputs, const Environment&) {
  if (!inputs.has("filename_prefix")) return {};
  auto path = path_below("", inputs.get<std::string>("filename_prefix") + "_");
  return path.ok() ? Status() : Status(path.error().in("input \"filename_prefix\""));
}

const RegisterNode kSaveImageFormatRegistered{
    NodeType("SaveImageFormat")
        .label("Save Image (Format)")
        .category("image")
        .description("Writes pictures with more than 8 bits: 16-bit PNG, TIFF, and OpenEXR, whose "
                     "numbers are proportional to light. Workflow and recipe are inside.")
        .input(socket("images", "IMAGE").tooltip("The pictures."))
        .input(text("filename_prefix", "Obscura").tooltip("As SaveImage's."))
        .input(choice("format", format_names))
        .hidden(Hidden::kPrompt)
        .hidden(Hidden::kExtraPngInfo)
        .output_node()
        .validate(save_image_format_validate_prefix)
        .run(run_save_image_format)};

}  // namespace
}  // namespace obscura::nodes
