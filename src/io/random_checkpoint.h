// Checkpoints of the real size with random weights: speed and memory can then be measured, and
// every load path tried, where nobody may put the real file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/cancel.h"
#include "base/result.h"

namespace obscura::io {

// The values keep activations finite all the way through a network of billions of parameters. By
// name and shape:
// - position_ids and integers: 0, 1, 2, …; logit_scale: ln 100; other scalars, and vectors that are
// neither a weight
//   nor a bias (the tables of a training schedule): 0
// - weights of rank 1 (of norms): 1 + vector_std · n; biases: vector_std · n
// - embeddings of tokens and positions: embedding_std · n
// - all other weights, with fan_in the elements that one output sums over: gain / √fan_in · n
// n is near enough to a standard normal number for that: the sum of four uniform ones, scaled, so
// |n| < 3.47.
struct RandomCheckpointOptions {
  std::uint64_t seed = 0;
  float gain = 0.7f;
  float embedding_std = 0.02f;
  float vector_std = 0.02f;
  CancelToken cancel;
};

// Called now and then with the bytes written so far and those to write in all, headers aside.
using WriteProgress = std::function<void(std::uint64_t written, std::uint64_t total)>;

// Writes the tensors of a key list (io/key_list.h) to a safetensors file. An element depends on the
// seed, its tensor's name and its index only: the same on every machine, for any number of threads,
// and in every list with that tensor. kUnsupported for a dtype that has no random values (float8,
// bool); errors of files and lists as usual.
Status write_random_checkpoint(const std::filesystem::path& key_list,
                               const std::filesystem::path& output,
                               const RandomCheckpointOptions& options = {},
                               const WriteProgress& progress = {});

}  // namespace obscura::io
