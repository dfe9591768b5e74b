// SaveAnimatedWEBP and SaveAnimatedPNG: a batch of images as one that moves.
#include <algorithm>

#include "base/files.h"
#include "graph/node_registry.h"
#include "io/animation.h"
#include "nodes/saving.h"
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
  OBSCURA_ASSIGN(library::StoredFile place,
                 store_file(call, extension, [&](const std::filesystem::path& path) -> Status {
                   OBSCURA_ASSIGN(AtomicFile target, AtomicFile::create(path));
                   OBSCURA_TRY(target.write(*bytes));
                   return target.commit_new();
                 }));
  const bool moves = pixels_of(call, "images").shape()[0] > 1;
  return NodeResult().ui({{"images", nlohmann::json::array({as_ui(place)})},
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
  return store_animation(
      call, "webp",
      io::encode_animated_webp(pixels_of(call, "images"), texts_of_animation(call), options));
}

Result<NodeResult> run_save_animated_png(NodeCall& call) {
  return store_animation(
      call, "png",
      io::encode_animated_png(pixels_of(call, "images"), texts_of_animation(call),
                              frame_milliseconds(call),
                              static_cast<int>(call.get<std::int64_t>("compress_level"))));
}

InputSpec frames_input() {
  return socket("images", "IMAGE").tooltip("The frames, one after another.");
}

InputSpec fps_input() {
  return number("fps", 6.0).range(0.01, 1000.0).step(0.01).tooltip("Frames a second.");
}

const RegisterNode kSaveAnimatedWebp{saving_node(
    NodeType("SaveAnimatedWEBP")
        .label("SaveAnimatedWEBP")
        .category("image/animation")
        .description("Writes a batch as one moving WebP image, with the workflow inside.")
        .input(frames_input())
        .input(text("filename_prefix", "ComfyUI").tooltip("As SaveImage's."))
        .input(fps_input())
        .input(toggle("lossless", true))
        .input(integer("quality", 80)
                   .range(0, 100)
                   .tooltip("Without loss it is how long to look for a small file."))
        .input(choice("method", {"default", "fastest", "slowest"}))
        .run(run_save_animated_webp))};

const RegisterNode kSaveAnimatedPng{saving_node(
    NodeType("SaveAnimatedPNG")
        .label("SaveAnimatedPNG")
        .category("image/animation")
        .description("Writes a batch as one moving PNG image, with the workflow inside.")
        .input(frames_input())
        .input(text("filename_prefix", "ComfyUI").tooltip("As SaveImage's."))
        .input(fps_input())
        .input(integer("compress_level", 4).range(0, 9))
        .run(run_save_animated_png))};

}  // namespace
}  // namespace obscura::nodes
