// LDM's names for the U-Net's modules, and diffusers'.
#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "adapter/module_table.h"

namespace obscura::adapter {
namespace {

// Takes "12." off the front of `text`; -1 if no number stands there.
std::int64_t take_number(std::string_view& text) {
  std::int64_t value = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0) return -1;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with('.')) text.remove_prefix(1);
  return value;
}

constexpr std::pair<std::string_view, std::string_view> kOutside[] = {
    {"input_blocks.0.0", "conv_in"},
    {"out.0", "conv_norm_out"},
    {"out.2", "conv_out"},
    {"time_embed.0", "time_embedding.linear_1"},
    {"time_embed.2", "time_embedding.linear_2"},
    {"label_emb.0.0", "add_embedding.linear_1"},
    {"label_emb.0.2", "add_embedding.linear_2"},
};

constexpr std::pair<std::string_view, std::string_view> kResidual[] = {
    {"in_layers.0", "norm1"},          {"in_layers.2", "conv1"},
    {"out_layers.0", "norm2"},         {"out_layers.3", "conv2"},
    {"emb_layers.1", "time_emb_proj"}, {"skip_connection", "conv_shortcut"},
};

// What stands below a block: "attentions.1.proj_in", "resnets.0.conv1". Middle blocks count their
// layers apart from each other.
std::string inside(std::string_view rest, std::int64_t layer) {
  for (auto [ldm, diffusers] : kResidual)
    if (rest == ldm) return fmt::format("resnets.{}.{}", layer, diffusers);
  return fmt::format("attentions.{}.{}", layer, rest);
}

}  // namespace

std::string diffusers_name(std::string_view ldm, std::int64_t stride) {
  for (auto [name, diffusers] : kOutside)
    if (ldm == name) return std::string(diffusers);
  std::string_view rest = ldm;
  auto take = [&](std::string_view prefix) {
    if (!rest.starts_with(prefix)) return false;
    rest.remove_prefix(prefix.size());
    return true;
  };
  if (take("middle_block.")) {
    std::int64_t element = take_number(rest);
    return element < 0 ? "" : "mid_block." + inside(rest, element / 2);
  }
  bool down = take("input_blocks.");
  if (!down && !take("output_blocks.")) return "";
  std::int64_t block = take_number(rest), element = take_number(rest);
  if (block < 0 || element < 0) return "";
  if (down) --block;  // input block 0 is conv_in
  std::int64_t level = block / stride, layer = block % stride;
  if (down && rest == "op") return fmt::format("down_blocks.{}.downsamplers.0.conv", level);
  if (!down && rest == "conv") return fmt::format("up_blocks.{}.upsamplers.0.conv", level);
  return fmt::format("{}_blocks.{}.{}", down ? "down" : "up", level, inside(rest, layer));
}

}  // namespace obscura::adapter
