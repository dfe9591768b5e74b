#include "app/engine_studio.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>
#include <span>

#include "adapter/adapter_file.h"
#include "app/model_defaults.h"
#include "app/result_sink.h"
#include "app/version.h"
#include "base/count_text.h"
#include "base/files.h"
#include "checkpoint/kinds/unet.h"
#include "checkpoint/network_kind.h"
#include "io/image.h"
#include "io/jpeg.h"
#include "io/png.h"
#include "io/tensor_file.h"
#include "io/webp.h"
#include "pipeline/model.h"
#include "prompt/styles.h"
#include "server/studio/project_folders.h"
#include "store/connection.h"
#include "tensor/fill_masked.h"
#include "tensor/resize.h"

namespace obscura::app {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

// A project's folders, and the environment that lends them to nodes.
struct EngineStudio::Project {
  Project(const Engine& engine, const EngineOptions& options, const fs::path& data,
          const std::string& name)
      : folders(data, name),
        input(folders.input.root()),
        output(folders.output.root(), folders.temporary.root()),
        place{name, models, input, output} {
    std::vector<fs::path> roots = options.models.empty() ? default_model_folders() : options.models;
    // Its own models come first, and no other project sees them.
    roots.insert(roots.begin(), folders.root / "models");
    open_model_folders(models, roots);
    input.set_output(folders.output.root(), folders.temporary.root());
    environment = engine.environment_of(place);
  }

  server::ProjectFolders folders;
  library::ModelFolders models;
  library::InputFolder input;
  ResultSink output;
  Place place;
  graph::Environment environment;
};

EngineStudio::EngineStudio(Engine& engine, EngineOptions options, fs::path data)
    : engine_(engine),
      options_(std::move(options)),
      data_(std::move(data)),
      device_(engine.session().device().describe()),
      planner_(options_, engine.session().budget()) {}
EngineStudio::~EngineStudio() = default;

EngineStudio::Project& EngineStudio::project_named(const std::string& name) const {
  std::lock_guard lock(mutex_);
  std::unique_ptr<Project>& project = projects_[name];
  if (!project) project = std::make_unique<Project>(engine_, options_, data_, name);
  return *project;
}

Status EngineStudio::run(const server::JobToRun& job, server::RunObserver& observer,
                         const CancelToken& cancel) {
  Project& own = project_named(job.project);
  engine_.move_to(own.place);
  engine_.session().restart_peak();
  own.output.hand_to(&observer);
  auto report = engine_.run(job.workflow, job.extra_pnginfo, observer, cancel);
  own.output.hand_to(nullptr);
  return report.ok() ? Status() : Status(report.error());
}

void EngineStudio::release(bool models, bool results) {
  if (results) engine_.forget_results();
  if (models) engine_.session().free_memory();
}

std::int64_t EngineStudio::peak_bytes() const {
  return static_cast<std::int64_t>(engine_.session().peak_held_bytes());
}

Result<server::MemoryPlan> EngineStudio::plan_memory(const server::JobToRun& job,
                                                     const CancelToken& cancel) const {
  const Project& own = project_named(job.project);
  std::lock_guard lock(planner_mutex_);
  return planner_.plan(own.place, job, cancel);
}

const graph::NodeRegistry& EngineStudio::nodes() const {
  return graph::NodeRegistry::builtin();
}

const graph::Environment& EngineStudio::environment(const std::string& project) const {
  return project_named(project).environment;
}

std::string EngineStudio::version() const {
  return std::string(app::version());
}

std::vector<std::string> EngineStudio::model_kinds() const {
  return library::ModelFolders::kinds();
}

std::vector<server::ModelEntry> EngineStudio::models(const std::string& project,
                                                     std::string_view kind) const {
  const library::ModelFolders& folders = project_named(project).models;
  std::vector<server::ModelEntry> entries;
  for (std::string& model : folders.list(kind)) {
    auto path = folders.find(kind, model);
    entries.push_back({std::move(model), path.ok() ? std::optional(*path) : std::nullopt});
  }
  return entries;
}

Status EngineStudio::check_model_name(std::string_view kind, std::string_view name) const {
  if (kind == "diffusers") {
    return Error(ErrorKind::kInvalidInput, "kind: wanted one of files, and diffusers are folders");
  }
  std::string extension = fs::path(name).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto known = library::ModelFolders::extensions();
  if (std::find(known.begin(), known.end(), extension) != known.end()) return {};
  return Error(ErrorKind::kInvalidInput,
               fmt::format("name: wanted one that ends with {}, found '{}'", fmt::join(known, ", "),
                           extension.substr(0, 40)));
}

namespace {

constexpr std::string_view kWholeModels = "checkpoints";

// Whether a network that Obscura runs belongs into the folder.
bool holds_networks(std::string_view folder) {
  const auto kinds = checkpoint::network_kinds();
  return folder == kWholeModels || std::any_of(kinds.begin(), kinds.end(), [&](const auto* kind) {
           return kind->is_run() && kind->folder.name == folder;
         });
}

// What a file must hold to be of use there.
bool serves_as(std::string_view folder, const checkpoint::CheckpointLayout& layout) {
  if (folder == kWholeModels) return layout.has(checkpoint::kUNet);
  return std::any_of(layout.components.begin(), layout.components.end(),
                     [&](const auto& network) { return network.kind().folder.name == folder; });
}

}  // namespace

Result<std::string> EngineStudio::inspect_model(std::string_view kind, const fs::path& file) const {
  auto refuse = [&](const std::string& found) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("{}: wanted one of the {}, found {}", file.string(), kind, found));
  };
  auto model = pipeline::ModelFile::open(file, file.string());
  if (holds_networks(kind)) {
    if (!model.ok()) return model.error();
    const checkpoint::CheckpointLayout& layout = (*model)->layout();
    return serves_as(kind, layout) ? Result(layout.title()) : refuse(layout.title());
  }
  // A whole model is none of the small ones that go with it.
  if (model.ok()) return refuse((*model)->layout().title());
  if (kind == "loras") {
    OBSCURA_ASSIGN(auto lora, adapter::AdapterFile::open(file, file.string(), ""));
    if (lora->modules().empty()) return refuse("nothing that changes a layer");
    return "LoRA of " + count_text(lora->modules().size(), "layer");
  }
  OBSCURA_ASSIGN(io::TensorFile tensors, io::TensorFile::open(file));
  return count_text(tensors.entries().size(), "tensor");
}

Result<json> EngineStudio::model_metadata(const std::string& project, std::string_view kind,
                                          std::string_view name) const {
  OBSCURA_ASSIGN(fs::path path, project_named(project).models.find(kind, name));
  OBSCURA_ASSIGN(io::TensorFile file, io::TensorFile::open(path));
  if (file.metadata().empty()) {
    return Error(ErrorKind::kNotFound, fmt::format("{} has no metadata", name));
  }
  return json(file.metadata());
}

std::string EngineStudio::model_digest(const std::string& project, const std::string& name) const {
  auto digest = project_named(project).models.sha256(name, CancelToken());
  return digest.ok() ? *digest : "";
}

ordered_json EngineStudio::devices() const {
  return {{{"name", device_.name + " " + device_.hardware},
           {"type", device_.name.substr(0, device_.name.find(':'))},
           {"index", 0},
           {"vram_total", device_.total_bytes},
           {"vram_free", device_.available_bytes},
           {"torch_vram_total", 0},
           {"torch_vram_free", 0}}};
}

namespace {

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<io::Image> decode(std::string_view bytes, const std::string& name) {
  return io::decode_image(std::as_bytes(std::span(bytes)), name);
}

// At most `side` pixels a side, in the same proportions.
Tensor shrunk(const Tensor& pixels, std::int64_t side) {
  const std::int64_t height = pixels.shape()[0], width = pixels.shape()[1],
                     channels = pixels.shape()[2];
  if (side <= 0 || std::max(width, height) <= side) return pixels;
  const double scale = static_cast<double>(side) / static_cast<double>(std::max(width, height));
  auto scaled = [&](std::int64_t length) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(length) * scale));
  };
  const std::int64_t new_width = scaled(width), new_height = scaled(height);
  return resize_image(pixels.reshaped({1, height, width, channels}), new_width, new_height,
                      ResizeMethod::kArea)
      .reshaped({new_height, new_width, channels});
}

// "rgb": without alpha; "a": alpha as gray, white where there is none.
Tensor channel_of(const Tensor& pixels, std::string_view channel) {
  const std::int64_t count = pixels.shape()[0] * pixels.shape()[1], channels = pixels.shape()[2];
  const bool alpha = channel == "a";
  if (!alpha && (channel != "rgb" || channels == 3)) return pixels;
  Tensor chosen = Tensor::filled(Shape{pixels.shape()[0], pixels.shape()[1], 3}, 1.0F);
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t c = 0; c < 3; ++c) {
      const float* pixel = pixels.data() + i * channels;
      if (!alpha) chosen.data()[i * 3 + c] = pixel[c];
      if (alpha && channels == 4) chosen.data()[i * 3 + c] = pixel[3];
    }
  }
  return chosen;
}

}  // namespace

Result<std::string> EngineStudio::convert(std::string_view image,
                                          const server::ImageRequest& request) const {
  OBSCURA_ASSIGN(io::Image decoded, decode(image, "the image"));
  const Tensor pixels = channel_of(shrunk(decoded.pixels, request.side), request.channel);
  std::vector<std::byte> bytes;
  if (request.format == "jpeg") {
    bytes = io::encode_jpeg(pixels, {}, {.quality = request.quality}).bytes;
  } else if (request.format == "webp") {
    OBSCURA_ASSIGN(bytes, io::encode_webp(pixels, {}, {.quality = request.quality}));
  } else {
    OBSCURA_ASSIGN(bytes, io::encode_png(pixels, decoded.metadata));
  }
  return text_of(bytes);
}

Result<ordered_json> EngineStudio::image_texts(std::string_view image) const {
  OBSCURA_ASSIGN(io::ImageMetadata metadata,
                 io::decode_metadata(std::as_bytes(std::span(image)), "the image"));
  ordered_json texts = ordered_json::object();
  for (io::TextEntry& entry : metadata) texts.emplace(entry.key, std::move(entry.text));
  return texts;
}

Result<std::string> EngineStudio::fill_masked(std::string_view image, std::string_view mask,
                                              bool invert) const {
  OBSCURA_ASSIGN(io::Image decoded, decode(image, "the image"));
  OBSCURA_ASSIGN(io::Image masking, decode(mask, "the mask"));
  const std::int64_t height = decoded.pixels.shape()[0], width = decoded.pixels.shape()[1];
  const Tensor fitting =
      resize_image(masking.pixels.reshaped({1, masking.pixels.shape()[0], masking.pixels.shape()[1],
                                            masking.pixels.shape()[2]}),
                   width, height, ResizeMethod::kBilinear);
  Tensor red = Tensor::filled(Shape{height, width}, 0.0F);
  for (std::int64_t i = 0; i < height * width; ++i) {
    const float value = fitting.data()[i * fitting.shape()[3]];
    red.data()[i] = std::clamp(invert ? 1 - value : value, 0.0F, 1.0F);
  }
  OBSCURA_ASSIGN(std::vector<std::byte> bytes,
                 io::encode_png(obscura::fill_masked(channel_of(decoded.pixels, "rgb"), red), {}));
  return text_of(bytes);
}

std::vector<server::PromptStyle> EngineStudio::prompt_styles(const std::string& project) const {
  std::vector<server::PromptStyle> styles;
  auto text = read_file(project_named(project).folders.input.root() / "styles.csv");
  if (!text.ok()) return styles;
  for (prompt::Style& style : prompt::parse_styles(*text))
    styles.push_back(
        {std::move(style.name), std::move(style.prompt), std::move(style.negative_prompt)});
  return styles;
}

namespace {

struct Span {
  int first, count;
};

// The span, grown around its middle to `count`, moved and cut so that it lies within 0…limit.
Span grown(Span span, int count, int limit) {
  count = std::clamp(count, span.count, limit);
  const int first = std::clamp(span.first - (count - span.count) / 2, 0, limit - count);
  return {first, count};
}

}  // namespace

Result<server::ImageBox> EngineStudio::mask_box(std::string_view mask,
                                                const server::MaskBoxRequest& request) const {
  OBSCURA_ASSIGN(io::Image image, decode(mask, "the mask"));
  const int height = static_cast<int>(image.pixels.shape()[0]),
            width = static_cast<int>(image.pixels.shape()[1]),
            channels = static_cast<int>(image.pixels.shape()[2]);
  int left = width, top = height, right = -1, bottom = -1;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float red = image.pixels.data()[(std::int64_t{y} * width + x) * channels];
      if ((request.invert ? 1 - red : red) <= 0) continue;
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = std::max(bottom, y);
    }
  }
  if (right < 0) return Error(ErrorKind::kInvalidInput, "the mask shows nothing");
  left = std::max(0, left - request.padding);
  top = std::max(0, top - request.padding);
  Span across{left, std::min(width - 1, right + request.padding) - left + 1};
  Span down{top, std::min(height - 1, bottom + request.padding) - top + 1};
  if (across.count < down.count * request.aspect) {
    across = grown(across, static_cast<int>(std::lround(down.count * request.aspect)), width);
  } else {
    down = grown(down, static_cast<int>(std::lround(across.count / request.aspect)), height);
  }
  return server::ImageBox{across.first, down.first, across.count, down.count};
}

Result<std::string> EngineStudio::with_alpha(std::string_view image, std::string_view mask) const {
  OBSCURA_ASSIGN(io::Image original, decode(image, "the original image"));
  OBSCURA_ASSIGN(io::Image masking, decode(mask, "the mask"));
  const std::int64_t height = original.pixels.shape()[0], width = original.pixels.shape()[1];
  const std::int64_t mask_height = masking.pixels.shape()[0],
                     mask_width = masking.pixels.shape()[1];
  if (mask_height != height || mask_width != width) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("wanted a mask of {}x{}, as the image, found {}x{}", width, height,
                             mask_width, mask_height));
  }
  if (masking.pixels.shape()[2] != 4) {
    return Error(ErrorKind::kInvalidInput, "wanted a mask with an alpha channel, found none");
  }
  Tensor joined = Tensor::filled(Shape{height, width, 4}, 1.0F);
  const std::int64_t channels = original.pixels.shape()[2];
  for (std::int64_t i = 0; i < height * width; ++i) {
    for (std::int64_t c = 0; c < 3; ++c)
      joined.data()[i * 4 + c] = original.pixels.data()[i * channels + c];
    joined.data()[i * 4 + 3] = masking.pixels.data()[i * 4 + 3];
  }
  OBSCURA_ASSIGN(std::vector<std::byte> bytes, io::encode_png(joined, original.metadata));
  return text_of(bytes);
}

}  // namespace obscura::app
