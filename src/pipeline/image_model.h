// A network from images to images as a value: how it is built, what goes before and after it, how
// its sizes relate, and how images are run that do not fit. A VAE's halves and TAESD's are such;
// so is whatever enlarges or analyses an image.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/cancel.h"
#include "base/result.h"
#include "ir/graph.h"
#include "runtime/image_network.h"
#include "runtime/session.h"
#include "runtime/weight_store.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

// Pixels of the result for so many of the network's input, along each side: 8 for 1 of a VAE's
// decoder, 1 for 8 of its encoder, 4 for 1 of an upscaler.
struct ImageScale {
  std::int64_t to = 1, of = 1;

  std::int64_t operator()(std::int64_t pixels) const { return pixels * to / of; }
};

// For networks that cannot be run in strips: the input is run in squares of `side` pixels, each
// with `context` more around it, which are then cut off. Where no result depends on a pixel further
// away, tiles give exactly the whole. REQUIRES: the scale gives whole pixels for both.
struct ImageTiles {
  std::int64_t side = 0, context = 0;
};

// Thread safe if its functions are.
struct ImageModel {
  std::string name;  // of its Programs; no two networks of the same weights have one: "vae decode"
  std::shared_ptr<runtime::WeightStore> weights;
  // For an input (1, height, width, C).
  std::function<Result<ir::Graph>(std::int64_t height, std::int64_t width)> build;
  // One image of a batch, as callers have it, into the network's input (1, h, w, C); and the
  // network's output (1, h', w', C') into what callers want.
  std::function<Tensor(const Tensor&image)> before, after;
  ImageScale scale;
  // None: the whole image, and in exact strips what does not fit (runtime/image_network.h).
  std::optional<ImageTiles> tiles = std::nullopt;
};

// As it will run under the session's budget. Errors of `build` and ImageNetwork::plan.
Result<runtime::ImageNetwork> plan(runtime::Session& session, const ImageModel& model,
                                   std::int64_t height, std::int64_t width);

// Each image of the batch by itself; the results in one batch. REQUIRES: all are of one size.
Result<Tensor> run(runtime::Session& session, const ImageModel& model, const Tensor& images,
                   const CancelToken& cancel);

}  // namespace obscura::pipeline
