// The blocks of which both halves of a U-Net are made, in LDM's tensor names.
#pragma once

#include <cstdint>
#include <optional>

#include "ir/graph.h"
#include "ir/token_merge.h"
#include "models/unet/spatial_transformer.h"
#include "models/unet/unet.h"
#include "nn/scope.h"

namespace obscura::models {

// What a place of a block is, by the tensors that it holds.
enum class UNetLayer { kNone, kResidual, kTransformer, kDownsample, kUpsample, kConv };
UNetLayer unet_layer_at(const nn::Scope& at);

// Of the network's norms, but for those of its transformers.
inline constexpr float kUNetNormEps = 1e-5f;

// Adds blocks to a graph, all of them under the same condition. Borrows what it is made of. Not
// thread safe.
class UNetBlocks {
 public:
  // Adds the inputs that build_unet() names, and the embedding of timestep and label.
  UNetBlocks(nn::Scope root, const UNetConfig& config, const UNetDimensions& dimensions,
             const UNetCall& call);

  // The layers of one entry of input_blocks, middle_block or output_blocks in their order, on x
  // (N, h, w, C). An upsampling layer returns to the size of `skip`.
  ir::ValueId add(const nn::Scope& at, ir::ValueId x, const Shape& skip = {},
                  const SelfAttentionChanges& attention = {});

  const nn::Scope& root() const { return root_; }
  ir::Builder& builder() const { return root_.builder(); }
  const UNetDimensions& dimensions() const { return dimensions_; }
  const UNetChanges& changes() const { return call_.changes; }
  ir::ValueId x() const { return x_; }  // the input of that name

 private:
  // (N, embedding): what every residual block is told, SiLU applied once for all of them.
  ir::ValueId condition();
  ir::ValueId residual(const nn::Scope& at, ir::ValueId x);
  ir::ValueId transformer(const nn::Scope& at, ir::ValueId x, SelfAttentionChanges attention);
  // What token merging does in the `number`-th transformer, whose tokens are such an image.
  std::optional<ir::MatchTokensOp::Options> merging(const Shape& image, int number) const;

  nn::Scope root_;
  const UNetConfig& config_;
  const UNetDimensions& dimensions_;
  const UNetCall& call_;
  ir::ValueId x_ = ir::kNoValue;
  ir::ValueId condition_ = ir::kNoValue;
  ir::ValueId context_ = ir::kNoValue;  // (N, T, context_width)
  int transformers_ = 0;                // so far
};

}  // namespace obscura::models
