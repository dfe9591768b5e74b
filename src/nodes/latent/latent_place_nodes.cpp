// Latents turned, cut, laid over one another, and batched anew.
#include <algorithm>
#include <numeric>

#include "graph/node_registry.h"
#include "image/raster.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Latent;

constexpr std::int64_t kLatentPlacePixels = 8;  // of a picture, for one of a latent

NodeResult latent_place_with_samples(Latent latent, Tensor samples) {
  latent.samples = std::move(samples);
  return NodeResult{latent_value(std::move(latent))};
}

Result<NodeResult> latent_place_rotate(NodeCall& call) {
  const auto& latent = call.get<Latent>("samples");
  return latent_place_with_samples(
      latent,
      image::rotated(latent.samples, image::quarter_turns(call.get<std::string>("rotation"))));
}

Result<NodeResult> latent_place_flip(NodeCall& call) {
  const auto& latent = call.get<Latent>("samples");
  return latent_place_with_samples(
      latent,
      image::flipped(latent.samples, image::is_upside_down(call.get<std::string>("flip_method"))));
}

// At least 8 latent pixels of each side stay, where there are so many.
Result<NodeResult> latent_place_crop(NodeCall& call) {
  const auto& latent = call.get<Latent>("samples");
  const Shape& s = latent.samples.shape();
  auto corner = [&](const char* input, std::int64_t size) {
    return std::clamp<std::int64_t>(call.get<std::int64_t>(input) / kLatentPlacePixels, 0,
                                    std::max<std::int64_t>(0, size - 8));
  };
  return latent_place_with_samples(
      latent, image::cropped(latent.samples, corner("x", s[3]), corner("y", s[2]),
                             call.get<std::int64_t>("width") / kLatentPlacePixels,
                             call.get<std::int64_t>("height") / kLatentPlacePixels));
}

// Weights of a rectangle that fades in over `feather` pixels at the sides that lie inside.
Tensor feathered(std::int64_t height, std::int64_t width, std::int64_t feather, bool top,
                 bool bottom, bool left, bool right) {
  Tensor mask = Tensor::filled({1, height, width}, 1);
  auto faded = [&](std::int64_t distance) {
    return distance < feather ? static_cast<float>(distance + 1) / static_cast<float>(feather) : 1;
  };
  for (std::int64_t i = 0; i < mask.elements(); ++i) {
    std::int64_t y = i / width, x = i % width;
    if (top) mask.data()[i] *= faded(y);
    if (bottom) mask.data()[i] *= faded(height - 1 - y);
    if (left) mask.data()[i] *= faded(x);
    if (right) mask.data()[i] *= faded(width - 1 - x);
  }
  return mask;
}

Status check_channels(const Tensor& destination, const Tensor& source) {
  if (destination.shape()[1] == source.shape()[1]) return {};
  return Error(ErrorKind::kInvalidInput, "wanted latents of equally many channels, found " +
                                             destination.shape().text() + " and " +
                                             source.shape().text());
}

Result<NodeResult> lay_over(NodeCall& call) {
  const auto& to = call.get<Latent>("samples_to");
  const Tensor& from = call.get<Latent>("samples_from").samples;
  OBSCURA_TRY(check_channels(to.samples, from));
  const Shape& d = to.samples.shape();
  const image::Placement place{.x = call.get<std::int64_t>("x") / kLatentPlacePixels,
                               .y = call.get<std::int64_t>("y") / kLatentPlacePixels};
  if (place.x >= d[3] || place.y >= d[2]) return latent_place_with_samples(to, to.samples);
  Tensor source = image::cropped(from, 0, 0, d[3] - place.x, d[2] - place.y);
  const Shape& s = source.shape();
  Tensor mask = feathered(s[2], s[3], call.get<std::int64_t>("feather") / kLatentPlacePixels,
                          place.y != 0, place.y + s[2] < d[2], place.x != 0, place.x + s[3] < d[3]);
  return latent_place_with_samples(to, image::composite(to.samples, source, mask, place));
}

Result<NodeResult> latent_place_composite_masked(NodeCall& call) {
  const auto& destination = call.get<Latent>("destination");
  const auto& source = call.get<Latent>("source");
  OBSCURA_TRY(check_channels(destination.samples, source.samples));
  const auto* mask = call.find<Mask>("mask");
  return latent_place_with_samples(
      destination,
      image::composite(destination.samples, source.samples, mask ? mask->values : Tensor(),
                       {.x = call.get<std::int64_t>("x") / kLatentPlacePixels,
                        .y = call.get<std::int64_t>("y") / kLatentPlacePixels,
                        .resize = call.get<bool>("resize_source")}));
}

Result<NodeResult> seed_behavior(NodeCall& call) {
  Latent latent = call.get<Latent>("samples");
  const bool fixed = call.get<std::string>("seed_behavior") == "fixed";
  const std::int64_t place = latent.batch_index.empty() ? 0 : latent.batch_index.front();
  const auto count = static_cast<std::size_t>(latent.samples.shape()[0]);
  latent.batch_index.clear();
  if (fixed) latent.batch_index.assign(count, place);
  if (fixed && !latent.seeds.empty()) latent.seeds.assign(count, latent.seeds.front());
  return NodeResult{latent_value(std::move(latent))};
}

// The latents one by one, each with its place among all.
std::vector<Latent> singles(const ValueList& batches) {
  std::vector<Latent> all;
  std::int64_t offset = 0;
  for (const Value& value : batches) {
    const auto& batch = value.get<Latent>();
    const std::int64_t count = batch.samples.shape()[0];
    for (std::int64_t i = 0; i < count; ++i) {
      auto k = static_cast<std::size_t>(i);
      Latent one{.samples = batch.samples.slice(i)};
      one.batch_index = {batch.batch_index.empty() ? offset + i : batch.batch_index[k]};
      if (!batch.seeds.empty()) one.seeds = {batch.seeds[k]};
      if (batch.noise_mask)
        one.noise_mask = batch.noise_mask->slice(i % batch.noise_mask->shape()[0]);
      all.push_back(std::move(one));
    }
    offset += count;
  }
  return all;
}

bool may_join(const Latent& batch, const Latent& one) {
  auto inner = [](const Tensor& tensor) {
    Shape shape = tensor.shape();
    shape.set(0, 1);
    return shape;
  };
  return inner(batch.samples) == one.samples.shape() && batch.seeds.empty() == one.seeds.empty();
}

// A mask for one that has none, and both of one size.
void join_masks(Latent& batch, const Latent& one) {
  if (!batch.noise_mask && !one.noise_mask) return;
  const Shape shape = batch.noise_mask ? batch.noise_mask->shape() : one.noise_mask->shape();
  auto of = [&](const Latent& latent) {
    if (!latent.noise_mask)
      return Tensor::filled({latent.samples.shape()[0], shape[1], shape[2]}, 1);
    const Shape& s = latent.noise_mask->shape();
    return resize(latent.noise_mask->reshaped({s[0], 1, s[1], s[2]}), shape[2], shape[1],
                  ResizeMethod::kBilinear)
        .reshaped({s[0], shape[1], shape[2]});
  };
  batch.noise_mask = concatenate(std::vector<Tensor>{of(batch), of(one)});
}

Result<NodeResult> latent_place_rebatch(NodeCall& call) {
  const auto most = call.values("batch_size").front().get<std::int64_t>();
  std::vector<Latent> batches;
  for (Latent& one : singles(call.values("latents"))) {
    if (batches.empty() || batches.back().samples.shape()[0] == most ||
        !may_join(batches.back(), one)) {
      batches.push_back(std::move(one));
      continue;
    }
    Latent& last = batches.back();
    join_masks(last, one);
    last.samples = concatenate(std::vector<Tensor>{last.samples, one.samples});
    last.batch_index.push_back(one.batch_index.front());
    last.seeds.insert(last.seeds.end(), one.seeds.begin(), one.seeds.end());
  }
  ValueList values;
  for (Latent& batch : batches) values.push_back(latent_value(std::move(batch)));
  return NodeResult().add_list(std::move(values));
}

const RegisterNode kLatentRotate{
    NodeType("LatentRotate")
        .label("Rotate Latent")
        .category("latent/transform")
        .description("Turns latents clockwise.")
        .input(socket("samples", "LATENT"))
        .input(choice("rotation", {"none", "90 degrees", "180 degrees", "270 degrees"}))
        .output("LATENT")
        .run(latent_place_rotate)};

const RegisterNode kLatentFlip{
    NodeType("LatentFlip")
        .label("Flip Latent")
        .category("latent/transform")
        .description("Mirrors latents.")
        .input(socket("samples", "LATENT"))
        .input(choice("flip_method", {"x-axis: vertically", "y-axis: horizontally"}))
        .output("LATENT")
        .run(latent_place_flip)};

const RegisterNode kLatentCrop{NodeType("LatentCrop")
                                   .label("Crop Latent")
                                   .category("latent/transform")
                                   .description("Cuts a rectangle out of latents.")
                                   .input(socket("samples", "LATENT"))
                                   .input(integer("width", 512).range(64, 16384).step(8))
                                   .input(integer("height", 512).range(64, 16384).step(8))
                                   .input(integer("x", 0).range(0, 16384).step(8))
                                   .input(integer("y", 0).range(0, 16384).step(8))
                                   .output("LATENT")
                                   .run(latent_place_crop)};

const RegisterNode kLatentComposite{NodeType("LatentComposite")
                                        .label("Latent Composite")
                                        .category("latent")
                                        .description("Lays one latent over another.")
                                        .input(socket("samples_to", "LATENT"))
                                        .input(socket("samples_from", "LATENT"))
                                        .input(integer("x", 0).range(0, 16384).step(8))
                                        .input(integer("y", 0).range(0, 16384).step(8))
                                        .input(integer("feather", 0).range(0, 16384).step(8))
                                        .output("LATENT")
                                        .run(lay_over)};

const RegisterNode kLatentCompositeMasked{
    NodeType("LatentCompositeMasked")
        .label("LatentCompositeMasked")
        .category("latent")
        .description("Lays one latent over another where a mask says.")
        .input(socket("destination", "LATENT"))
        .input(socket("source", "LATENT"))
        .input(integer("x", 0).range(0, 16384).step(8))
        .input(integer("y", 0).range(0, 16384).step(8))
        .input(toggle("resize_source", false))
        .optional(socket("mask", "MASK"))
        .output("LATENT")
        .run(latent_place_composite_masked)};

const RegisterNode kLatentBatchSeedBehavior{
    NodeType("LatentBatchSeedBehavior")
        .label("LatentBatchSeedBehavior")
        .category("latent/advanced")
        .description("Gives all latents of a batch the same noise, or each its own.")
        .input(socket("samples", "LATENT"))
        .input(choice("seed_behavior", {"random", "fixed"}).default_value("fixed"))
        .output("LATENT")
        .run(seed_behavior)};

const RegisterNode kRebatchLatents{NodeType("RebatchLatents")
                                       .label("Rebatch Latents")
                                       .category("latent/batch")
                                       .description("Cuts latents into batches of another size.")
                                       .input(socket("latents", "LATENT"))
                                       .input(integer("batch_size", 1).range(1, 4096))
                                       .output_list("LATENT")
                                       .inputs_as_lists()
                                       .run(latent_place_rebatch)};

}  // namespace
}  // namespace obscura::nodes
