#include "graph/node_registry.h"
#include "image/mask.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Latent;

// The latents one by one, each with its place among all.
std::vector<Latent> single_latents(const ValueList& batches) {
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

bool may_share_batch(const Latent& batch, const Latent& one) {
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
    return image::resize_mask(*latent.noise_mask, shape[1], shape[2]);
  };
  batch.noise_mask = concatenate(std::vector<Tensor>{of(batch), of(one)});
}

Result<NodeResult> rebatch_latents(NodeCall& call) {
  const auto most = call.values("batch_size").front().get<std::int64_t>();
  std::vector<Latent> batches;
  for (Latent& one : single_latents(call.values("latents"))) {
    if (batches.empty() || batches.back().samples.shape()[0] == most ||
        !may_share_batch(batches.back(), one)) {
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

const RegisterNode kRebatchLatents{NodeType("RebatchLatents")
                                       .label("Rebatch Latents")
                                       .category("latent/batch")
                                       .description("Cuts latents into batches of another size.")
                                       .input(socket("latents", "LATENT"))
                                       .input(integer("batch_size", 1).range(1, 4096))
                                       .output_list("LATENT")
                                       .inputs_as_lists()
                                       .run(rebatch_latents)};

}  // namespace
}  // namespace obscura::nodes
