// SaveAnimatedWEBP and SaveAnimatedPNG: a batch of pictures as one that moves.
#include <algorithm>

#include "graph/node_registry.h"
#include "io/animation.h"
#include "nodes/image/save_images.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

// Of a frame, cut to whole thousandths of a second as ComfyUI does; both formats want one at least,
// and APNG holds 65 seconds.
int frame_milliseconds(const NodeCall& call) {
  constexpr double kLongest = 65535;
  return static_cast<int>(std::clamp(1000 / call.get<double>("fps"), 1.0, kLongest));
}

Result<NodeResult> store_animation(NodeCall& call, const char* extension,
                                   const Result<std::vector<std::byte>>& bytes) {
  if (!bytes.ok()) return bytes.error();
  library::FinishedFile file;
  file.node = call.node();
  file.prefix = call.get<std::string>("filename_prefix");
  file.extension = extension;
  file.write = [&](const std::filesystem::path& path) -> Status {
    OBSCURA_ASSIGN(AtomicFile target, AtomicFile::create(path));
    OBSCURA_TRY(target.write(*bytes));
    return target.commit_new();
  };
  OBSCURA_ASSIGN(library::StoredFile place, call.environment<library::ImageSink>().store(file));
  const bool moves = call.get<Image>("images").pixels.shape()[0] > 1;
  return NodeResult().ui({{"images", nlohmann::json::array({{{"filename", place.filename},
                                                             {"subfolder", place.subfolder},
                                                             {"type", place.type}}})},
                          {"animated", nlohmann::json::array({moves})}});
}

io::ImageMetadata texts_of_animation(const NodeCall& call) {
  return call.environment<library::ImageSink>().clean() ? io::ImageMetadata()
                                                        : workflow_texts(call);
}

Result<NodeResult> run_save_animated_webp(NodeCall& call) {
  const auto& method = call.get<std::string>("method");
  const io::AnimatedWebpOptions options{
      .milliseconds = frame_milliseconds(call),
      .lossless = call.get<bool>("lossless"),
      .quality = static_cast<int>(call.get<std::int64_t>("quality")),
      .effort = method == "fastest"   ? io::WebpEffort::kFastest
                : method == "slowest" ? io::WebpEffort::kSlowest
                                      : io::WebpEffort::kDefault};
  return store_animation(call, "webp",
                         io::encode_animated_webp(call.get<Image>("images").pixels,
                                                  texts_of_animation(call), options));
}

Result<NodeResult> run_save_animated_png(NodeCall& call) {
  return store_animation(
      call, "png",
      io::encode_animated_png(call.get<Image>("images").pixels, texts_of_animation(call),
                              frame_milliseconds(call),
                              static_cast<int>(call.get<std::int64_t>("compress_level"))));
}

InputSpec frames_input() {
  return socket("images", "IMAGE").tooltip("The frames, one after another.");
}

InputSpec fps_input() {
  return number("fps", 6.0).range(0.01, 1000.0).step(0.01).tooltip("Frames a second.");
}

const RegisterNode kSaveAnimatedWebp{
    NodeType("SaveAnimatedWEBP")
        .label("SaveAnimatedWEBP")
        .category("image/animation")
        .description("Writes a batch as one moving WebP picture, with the workflow inside.")
        .input(frames_input())
        .input(text("filename_prefix", "ComfyUI").tooltip("As SaveImage's."))
        .input(fps_input())
        .input(toggle("lossless", true))
        .input(integer("quality", 80)
                   .range(0, 100)
                   .tooltip("Without loss it is how long to look for a small file."))
        .input(choice("method", {"default", "fastest", "slowest"}))
        .hidden(Hidden::kPrompt)
        .hidden(Hidden::kExtraPngInfo)
        .output_node()
        .validate(validate_filename_prefix)
        .run(run_save_animated_webp)};

const RegisterNode kSaveAnimatedPng{
    NodeType("SaveAnimatedPNG")
        .label("SaveAnimatedPNG")
        .category("image/animation")
        .description("Writes a batch as one moving PNG picture, with the workflow inside.")
        .input(frames_input())
        .input(text("filename_prefix", "ComfyUI").tooltip("As SaveImage's."))
        .input(fps_input())
        .input(integer("compress_level", 4).range(0, 9))
        .hidden(Hidden::kPrompt)
        .hidden(Hidden::kExtraPngInfo)
        .output_node()
        .validate(validate_filename_prefix)
        .run(run_save_animated_png)};

}  // namespace
}  // namespace obscura::nodes
