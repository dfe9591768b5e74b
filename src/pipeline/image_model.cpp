#include "pipeline/image_model.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace obscura::pipeline {
namespace {

// A rectangle of an image (1, H, W, C).
struct Part {
  std::int64_t y = 0, x = 0, height = 0, width = 0;
};

Tensor cut(const Tensor& image, const Part& part) {
  const Shape& s = image.shape();
  Tensor result(Shape{1, part.height, part.width, s[3]});
  for (std::int64_t row = 0; row < part.height; ++row)
    std::copy_n(image.data() + ((part.y + row) * s[2] + part.x) * s[3], part.width * s[3],
                result.data() + row * part.width * s[3]);
  return result;
}

// `part` of `source` goes to `target`, its upper left corner at (y, x).
void paste(const Tensor& source, const Part& part, Tensor& target, std::int64_t y, std::int64_t x) {
  const std::int64_t channels = target.shape()[3];
  for (std::int64_t row = 0; row < part.height; ++row)
    std::copy_n(source.data() + ((part.y + row) * source.shape()[2] + part.x) * channels,
                part.width * channels,
                target.data() + ((y + row) * target.shape()[2] + x) * channels);
}

// A tile's side with its context, as far as the image reaches.
std::pair<std::int64_t, std::int64_t> with_context(std::int64_t begin, std::int64_t end,
                                                   std::int64_t context, std::int64_t length) {
  return {std::max<std::int64_t>(0, begin - context), std::min(length, end + context)};
}

Result<Tensor> run_tiles(runtime::Session& session, const ImageModel& model, const Tensor& input,
                         const CancelToken& cancel) {
  const auto [side, context] = *model.tiles;
  const std::int64_t height = input.shape()[1], width = input.shape()[2];
  Tensor result;
  for (std::int64_t y = 0; y < height; y += side) {
    for (std::int64_t x = 0; x < width; x += side) {
      const std::int64_t y_end = std::min(y + side, height), x_end = std::min(x + side, width);
      const auto [top, bottom] = with_context(y, y_end, context, height);
      const auto [left, right] = with_context(x, x_end, context, width);
      const Tensor tile = cut(input, {top, left, bottom - top, right - left});
      OBSCURA_ASSIGN(runtime::ImageNetwork network,
                     plan(session, model, tile.shape()[1], tile.shape()[2]));
      OBSCURA_ASSIGN(Tensor output, network.run(session, tile, cancel));
      const ImageScale& scale = model.scale;
      if (result.empty()) result = Tensor(Shape{1, scale(height), scale(width), output.shape()[3]});
      paste(output, {scale(y - top), scale(x - left), scale(y_end - y), scale(x_end - x)}, result,
            scale(y), scale(x));
    }
  }
  return result;
}

Result<Tensor> run_one(runtime::Session& session, const ImageModel& model, const Tensor& input,
                       const CancelToken& cancel) {
  if (model.tiles) return run_tiles(session, model, input, cancel);
  OBSCURA_ASSIGN(runtime::ImageNetwork network,
                 plan(session, model, input.shape()[1], input.shape()[2]));
  return network.run(session, input, cancel);
}

}  // namespace

Result<runtime::ImageNetwork> plan(runtime::Session& session, const ImageModel& model,
                                   std::int64_t height, std::int64_t width) {
  OBSCURA_ASSIGN(ir::Graph graph, model.build(height, width));
  return runtime::ImageNetwork::plan(session, model.name, model.weights, std::move(graph));
}

Result<Tensor> run(runtime::Session& session, const ImageModel& model, const Tensor& images,
                   const CancelToken& cancel) {
  std::vector<Tensor> results;
  for (std::int64_t b = 0; b < images.shape()[0]; ++b) {
    OBSCURA_ASSIGN(Tensor output, run_one(session, model, model.before(images.slice(b)), cancel));
    results.push_back(model.after(output));
  }
  return concatenate(results);
}

}  // namespace obscura::pipeline
