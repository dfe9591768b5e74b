// Images put into batches and taken out of them.
#include <algorithm>

#include "graph/node_registry.h"
#include "image/channels.h"
#include "image/raster.h"
#include "nodes/host_memory.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> image_batch_batch(NodeCall& call) {
  const Tensor& first = pixels_of(call, "image1");
  Tensor second = pixels_of(call, "image2");
  const Shape &a = first.shape(), &b = second.shape();
  if (a[1] != b[1] || a[2] != b[2])
    second = resize_image(second, a[2], a[1], ResizeMethod::kBilinear, ResizeCrop::kCenter);
  auto [one, two] = image::with_equal_channels(first, second);
  return NodeResult{image_value(concatenate(std::vector<Tensor>{one, two}))};
}

Result<NodeResult> image_batch_repeat(NodeCall& call) {
  const Tensor& image = pixels_of(call);
  const auto amount = call.get<std::int64_t>("amount");
  const Shape& s = image.shape();
  OBSCURA_TRY(check_fits(call, "a batch of images", {amount, s[0], s[1], s[2], s[3]}));
  return NodeResult{image_value(image::repeated_to(image, amount * s[0]))};
}

Result<NodeResult> image_batch_from_batch(NodeCall& call) {
  const Tensor& image = pixels_of(call);
  const std::int64_t count = image.shape()[0];
  const std::int64_t begin = std::min(call.get<std::int64_t>("batch_index"), count - 1);
  const std::int64_t length = std::min(call.get<std::int64_t>("length"), count - begin);
  return NodeResult{image_value(image.slice(begin, begin + length))};
}

Result<NodeResult> image_batch_rebatch(NodeCall& call) {
  const auto most = call.values("batch_size").front().get<std::size_t>();
  std::vector<Tensor> singles;
  for (const Value& value : call.values("images")) {
    const Tensor& images = value.get<Image>().pixels;
    for (std::int64_t i = 0; i < images.shape()[0]; ++i) singles.push_back(images.slice(i));
  }
  ValueList batches;
  for (std::size_t i = 0; i < singles.size(); i += most) {
    auto part = std::span(singles).subspan(i, std::min(most, singles.size() - i));
    for (const Tensor& one : part) {
      if (one.shape() == part.front().shape()) continue;
      return Error(ErrorKind::kInvalidInput, "wanted images of one size in a batch, found " +
                                                 part.front().shape().text() + " and " +
                                                 one.shape().text() + ": resize them first");
    }
    batches.push_back(image_value(concatenate(part)));
  }
  return NodeResult().add_list(std::move(batches));
}

const RegisterNode kImageBatch{
    NodeType("ImageBatch")
        .label("Batch Images")
        .category("image")
        .description("Puts images together; the second are resized to the first.")
        .input(socket("image1", "IMAGE"))
        .input(socket("image2", "IMAGE"))
        .output("IMAGE")
        .run(image_batch_batch)};

const RegisterNode kRepeatImageBatch{NodeType("RepeatImageBatch")
                                         .label("RepeatImageBatch")
                                         .category("image/batch")
                                         .description("Repeats images.")
                                         .input(socket("image", "IMAGE"))
                                         .input(integer("amount", 1).range(1, 4096))
                                         .output("IMAGE")
                                         .run(image_batch_repeat)};

const RegisterNode kImageFromBatch{NodeType("ImageFromBatch")
                                       .label("ImageFromBatch")
                                       .category("image/batch")
                                       .description("Takes images out of a batch.")
                                       .input(socket("image", "IMAGE"))
                                       .input(integer("batch_index", 0).range(0, 4095))
                                       .input(integer("length", 1).range(1, 4096))
                                       .output("IMAGE")
                                       .run(image_batch_from_batch)};

const RegisterNode kRebatchImages{NodeType("RebatchImages")
                                      .label("Rebatch Images")
                                      .category("image/batch")
                                      .description("Cuts images into batches of another size.")
                                      .input(socket("images", "IMAGE"))
                                      .input(integer("batch_size", 1).range(1, 4096))
                                      .output_list("IMAGE")
                                      .inputs_as_lists()
                                      .run(image_batch_rebatch)};

}  // namespace
}  // namespace obscura::nodes
