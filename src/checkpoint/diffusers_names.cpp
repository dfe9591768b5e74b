#include "checkpoint/diffusers_names.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace obscura::checkpoint {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;  // diffusers', LDM's

constexpr Pair kUNetOutside[] = {
    {"conv_in.", "input_blocks.0.0."},
    {"conv_norm_out.", "out.0."},
    {"conv_out.", "out.2."},
    {"time_embedding.linear_1.", "time_embed.0."},
    {"time_embedding.linear_2.", "time_embed.2."},
    {"add_embedding.linear_1.", "label_emb.0.0."},
    {"add_embedding.linear_2.", "label_emb.0.2."},
};

constexpr Pair kUNetResidual[] = {
    {"norm1.", "in_layers.0."},          {"conv1.", "in_layers.2."},
    {"norm2.", "out_layers.0."},         {"conv2.", "out_layers.3."},
    {"time_emb_proj.", "emb_layers.1."}, {"conv_shortcut.", "skip_connection."},
};

// Newer diffusers first, then what it called them before 0.14.
constexpr Pair kVaeAttention[] = {
    {"group_norm.", "norm."},    {"to_q.", "q."},  {"to_k.", "k."}, {"to_v.", "v."},
    {"to_out.0.", "proj_out."},  {"query.", "q."}, {"key.", "k."},  {"value.", "v."},
    {"proj_attn.", "proj_out."},
};

constexpr Pair kVaeResidual[] = {
    {"norm1.", "norm1."},
    {"conv1.", "conv1."},
    {"norm2.", "norm2."},
    {"conv2.", "conv2."},
    {"conv_shortcut.", "nin_shortcut."},
};

// A name that is read from its front.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  // "12." as 12.
  std::optional<int> take_number() {
    int value = 0;
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    auto used = static_cast<std::size_t>(end - rest_.data());
    constexpr int kMost = 1000;  // no network has as many blocks
    if (error != std::errc() || value < 0 || value > kMost || used == rest_.size() ||
        rest_[used] != '.')
      return std::nullopt;
    rest_.remove_prefix(used + 1);
    return value;
  }
  // `place` before what LDM calls the rest; "" if the table does not know it.
  std::string named(const std::string& place, std::span<const Pair> table) const {
    for (auto [diffusers, ldm] : table)
      if (rest_.starts_with(diffusers))
        return place + std::string(ldm) + std::string(rest_.substr(diffusers.size()));
    return "";
  }
  std::string rest() const { return std::string(rest_); }

 private:
  std::string_view rest_;
};

// How many of `prefix` 0., 1., … there are.
int count(const TensorNames& names, const std::string& prefix) {
  int n = 0;
  while (names.has_prefix(fmt::format("{}{}.", prefix, n))) ++n;
  return n;
}

struct UNetLevels {
  int down_stride = 0;             // input blocks a level has, its downsampler included
  int up_stride = 0;               // output blocks a level has
  std::vector<bool> up_attention;  // by up block: attention stands between layer and upsampler
};

std::string unet_block(Reader name, const UNetLevels& levels) {
  if (name.take("mid_block.")) {
    bool attention = name.take("attentions.");
    if (!attention && !name.take("resnets.")) return "";
    auto layer = name.take_number();
    if (!layer) return "";
    std::string place = fmt::format("middle_block.{}.", 2 * *layer + (attention ? 1 : 0));
    return attention ? place + name.rest() : name.named(place, kUNetResidual);
  }
  bool down = name.take("down_blocks.");
  if (!down && !name.take("up_blocks.")) return "";
  auto level = name.take_number();
  if (!level) return "";
  int first = down ? 1 + *level * levels.down_stride : *level * levels.up_stride;
  if (down && name.take("downsamplers.0.conv."))
    return fmt::format("input_blocks.{}.0.op.{}", first + levels.down_stride - 1, name.rest());
  if (!down && name.take("upsamplers.0.conv.")) {
    auto index = static_cast<std::size_t>(*level);
    bool attention = index < levels.up_attention.size() && levels.up_attention[index];
    return fmt::format("output_blocks.{}.{}.conv.{}", first + levels.up_stride - 1,
                       attention ? 2 : 1, name.rest());
  }
  bool attention = name.take("attentions.");
  if (!attention && !name.take("resnets.")) return "";
  auto layer = name.take_number();
  if (!layer) return "";
  std::string place =
      fmt::format("{}_blocks.{}.{}.", down ? "input" : "output", first + *layer, attention ? 1 : 0);
  return attention ? place + name.rest() : name.named(place, kUNetResidual);
}

std::string vae_middle(Reader name, const std::string& side) {
  bool attention = name.take("attentions.");
  if (!attention && !name.take("resnets.")) return "";
  auto layer = name.take_number();
  if (!layer) return "";
  std::string place = fmt::format("{}mid.{}_{}.", side, attention ? "attn" : "block", *layer + 1);
  return attention ? name.named(place, kVaeAttention) : name.named(place, kVaeResidual);
}

// The decoder's levels count from the image in LDM, from the latent in diffusers.
std::string vae_tensor(Reader name, int up_blocks) {
  if (name.take("quant_conv.")) return "quant_conv." + name.rest();
  if (name.take("post_quant_conv.")) return "post_quant_conv." + name.rest();
  bool encoder = name.take("encoder.");
  if (!encoder && !name.take("decoder.")) return "";
  const std::string side = encoder ? "encoder." : "decoder.";
  if (name.take("conv_norm_out.")) return side + "norm_out." + name.rest();
  if (name.take("mid_block.")) return vae_middle(name, side);
  if (!name.take(encoder ? "down_blocks." : "up_blocks.")) return side + name.rest();
  auto level = name.take_number();
  if (!level) return "";
  std::string place = fmt::format("{}{}.{}.", side, encoder ? "down" : "up",
                                  encoder ? *level : up_blocks - 1 - *level);
  if (name.take("downsamplers.0.")) return place + "downsample." + name.rest();
  if (name.take("upsamplers.0.")) return place + "upsample." + name.rest();
  if (!name.take("resnets.")) return "";
  auto layer = name.take_number();
  return layer ? name.named(fmt::format("{}block.{}.", place, *layer), kVaeResidual) : "";
}

}  // namespace

Rename ldm_unet_names(const TensorNames& names, std::string_view prefix) {
  UNetLevels levels;
  std::string at(prefix);
  levels.down_stride = count(names, at + "down_blocks.0.resnets.") + 1;
  levels.up_stride = count(names, at + "up_blocks.0.resnets.");
  for (int i = 0, n = count(names, at + "up_blocks."); i < n; ++i)
    levels.up_attention.push_back(
        names.has_prefix(fmt::format("{}up_blocks.{}.attentions.", at, i)));
  return [levels](std::string_view name) {
    std::string outside = Reader(name).named("", kUNetOutside);
    return outside.empty() ? unet_block(Reader(name), levels) : outside;
  };
}

Rename ldm_vae_names(const TensorNames& names, std::string_view prefix) {
  int up_blocks = count(names, std::string(prefix) + "decoder.up_blocks.");
  return [up_blocks](std::string_view name) { return vae_tensor(Reader(name), up_blocks); };
}

}  // namespace obscura::checkpoint
