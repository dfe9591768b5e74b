// LatentFromBatch, RepeatLatentBatch and LatentBatch: latents taken out of a batch, repeated, and
// put together.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "graph/node_registry.h"
#include "nodes/host_memory.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Latent;

Tensor repeated(const Tensor& tensor, std::int64_t times) {
  return concatenate(std::vector<Tensor>(static_cast<std::size_t>(times), tensor));
}

// A mask for each latent, where there is more than one mask but fewer than latents.
Tensor spread(const Tensor& mask, std::int64_t count) {
  std::int64_t have = mask.shape()[0];
  return have >= count ? mask : repeated(mask, (count + have - 1) / have).slice(0, count);
}

template <class T>
std::vector<T> part(const std::vector<T>& all, std::int64_t begin, std::int64_t end) {
  auto size = static_cast<std::int64_t>(all.size());
  return {all.begin() + std::min(begin, size), all.begin() + std::min(end, size)};
}

std::vector<std::int64_t> places(const Latent& latent) {
  if (!latent.batch_index.empty()) return latent.batch_index;
  std::vector<std::int64_t> index(static_cast<std::size_t>(latent.samples.shape()[0]));
  std::iota(index.begin(), index.end(), 0);
  return index;
}

Result<NodeResult> latent_batch_from_batch(NodeCall& call) {
  const Latent& in = call.get<Latent>("samples");
  std::int64_t count = in.samples.shape()[0];
  std::int64_t begin = std::min(count - 1, call.get<std::int64_t>("batch_index"));
  std::int64_t end = begin + std::min(count - begin, call.get<std::int64_t>("length"));
  Latent out = in;
  out.samples = in.samples.slice(begin, end);
  if (in.noise_mask && in.noise_mask->shape()[0] > 1) {
    out.noise_mask = spread(*in.noise_mask, count).slice(begin, end);
  }
  out.batch_index = part(places(in), begin, end);
  out.seeds = part(in.seeds, begin, end);
  return NodeResult{latent_value(std::move(out))};
}

Result<NodeResult> latent_batch_repeat(NodeCall& call) {
  const Latent& in = call.get<Latent>("samples");
  const Shape& s = in.samples.shape();
  const auto amount = call.get<std::int64_t>("amount");
  OBSCURA_TRY(check_fits(call, "a batch of latents", {amount, s[0], s[1], s[2], s[3]}));
  Latent out = in;
  out.samples = repeated(in.samples, amount);
  if (in.noise_mask && in.noise_mask->shape()[0] > 1) {
    out.noise_mask = repeated(spread(*in.noise_mask, s[0]), amount);
  }
  if (!in.batch_index.empty()) {
    auto [least, most] = std::minmax_element(in.batch_index.begin(), in.batch_index.end());
    std::int64_t offset = *most - *least + 1;
    for (std::int64_t i = 1; i < amount; ++i)
      for (std::int64_t place : in.batch_index) out.batch_index.push_back(place + i * offset);
  }
  for (std::int64_t i = 1; i < amount; ++i)
    out.seeds.insert(out.seeds.end(), in.seeds.begin(), in.seeds.end());
  return NodeResult{latent_value(std::move(out))};
}

Result<NodeResult> latent_batch_batch(NodeCall& call) {
  const Latent& first = call.get<Latent>("samples1");
  const Latent& second = call.get<Latent>("samples2");
  const Shape& a = first.samples.shape();
  Tensor other = second.samples;
  if (other.shape()[1] != a[1]) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("wanted latents of {} channels in both batches, found {} in the "
                             "second",
                             a[1], other.shape()[1]));
  }
  if (other.shape()[2] != a[2] || other.shape()[3] != a[3])
    other = resize(other, a[3], a[2], ResizeMethod::kBilinear, ResizeCrop::kCenter);
  Latent out = first;
  out.samples = concatenate(std::vector<Tensor>{first.samples, other});
  out.batch_index = places(first);
  for (std::int64_t place : places(second)) out.batch_index.push_back(place);
  // Seeds of one half alone would say nothing of the other.
  if (first.seeds.empty() != second.seeds.empty())
    out.seeds.clear();
  else
    out.seeds.insert(out.seeds.end(), second.seeds.begin(), second.seeds.end());
  return NodeResult{latent_value(std::move(out))};
}

const RegisterNode kFrom{
    NodeType("LatentFromBatch")
        .label("Latent From Batch")
        .category("latent/batch")
        .description("Takes latents out of a batch; they keep the noise of their places in it.")
        .input(socket("samples", "LATENT"))
        .input(integer("batch_index", 0).range(0, 63).tooltip("The first to take, from 0."))
        .input(integer("length", 1).range(1, 64).tooltip("How many."))
        .output("LATENT")
        .run(latent_batch_from_batch)};

const RegisterNode kRepeat{NodeType("RepeatLatentBatch")
                               .label("Repeat Latent Batch")
                               .category("latent/batch")
                               .description("Repeats a batch a number of times.")
                               .input(socket("samples", "LATENT"))
                               .input(integer("amount", 1).range(1, 64))
                               .output("LATENT")
                               .run(latent_batch_repeat)};

const RegisterNode kBatch{
    NodeType("LatentBatch")
        .label("Latent Batch")
        .category("latent/batch")
        .description("Puts two batches together; the second is resized to the first.")
        .input(socket("samples1", "LATENT"))
        .input(socket("samples2", "LATENT"))
        .output("LATENT")
        .run(latent_batch_batch)};

}  // namespace
}  // namespace obscura::nodes
