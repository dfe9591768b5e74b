#include <cmath>

#include "graph/node_registry.h"
#include "image/channels.h"
#include "nodes/host_memory.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

// All images at the size of the first.
Result<NodeResult> image_grid(NodeCall& call) {
  std::vector<Tensor> images;
  for (const Value& value : call.values("images")) {
    const Tensor& batch = value.get<Image>().pixels;
    for (std::int64_t i = 0; i < batch.shape()[0]; ++i)
      images.push_back(image::with_channels(batch.slice(i), 3));
  }
  const Shape first = images.front().shape();
  const auto gap = call.values("gap").front().get<std::int64_t>();
  const auto count = static_cast<std::int64_t>(images.size());
  std::int64_t columns = call.values("columns").front().get<std::int64_t>();
  if (columns == 0)
    columns = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  const std::int64_t rows = (count + columns - 1) / columns;
  const std::int64_t height = rows * (first[1] + gap) - gap,
                     width = columns * (first[2] + gap) - gap;
  OBSCURA_TRY(check_fits(call, "a grid", {height, width, 3}));
  Tensor grid = Tensor::filled({1, height, width, 3}, 1);
  for (std::int64_t i = 0; i < count; ++i) {
    Tensor& image = images[static_cast<std::size_t>(i)];
    if (image.shape() != first)
      image = resize_image(image, first[2], first[1], ResizeMethod::kBicubic, ResizeCrop::kCenter);
    image::paste(image, grid, i % columns * (first[2] + gap), i / columns * (first[1] + gap));
  }
  return NodeResult{image_value(std::move(grid))};
}

const RegisterNode kImageGrid{
    NodeType("ImageGrid")
        .label("Image Grid")
        .category("image")
        .description("Puts all images of a list, or of a batch, into one grid.")
        .input(socket("images", "IMAGE"))
        .input(integer("columns", 0).range(0, 1024).tooltip("0: as many as rows."))
        .input(integer("gap", 8).range(0, 512).tooltip("Pixels between images."))
        .inputs_as_lists()
        .output("IMAGE")
        .run(image_grid)};

}  // namespace
}  // namespace obscura::nodes
