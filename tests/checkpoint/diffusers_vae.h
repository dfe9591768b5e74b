// diffusers' names for the VAE's tensors, as a table of its own.
#pragma once

#include <string>

namespace obscura::checkpoint {

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  std::size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

// From LDM's name, without a prefix, of a VAE of four levels.
inline std::string diffusers_vae_name(std::string name) {
  for (const char* side : {"encoder.", "decoder."}) {
    const std::string s(side);
    name = replaced(name, s + "norm_out", s + "conv_norm_out");
    name = replaced(name, s + "mid.block_1", s + "mid_block.resnets.0");
    name = replaced(name, s + "mid.block_2", s + "mid_block.resnets.1");
    name = replaced(name, s + "mid.attn_1.norm", s + "mid_block.attentions.0.group_norm");
    name = replaced(name, s + "mid.attn_1.proj_out", s + "mid_block.attentions.0.to_out.0");
    for (const char* p : {"q", "k", "v"})
      name =
          replaced(name, s + "mid.attn_1." + p + ".", s + "mid_block.attentions.0.to_" + p + ".");
  }
  for (int level = 0; level < 4; ++level) {
    const std::string l = std::to_string(level), mirrored = std::to_string(3 - level);
    name =
        replaced(name, "encoder.down." + l + ".block.", "encoder.down_blocks." + l + ".resnets.");
    name = replaced(name, "encoder.down." + l + ".downsample.",
                    "encoder.down_blocks." + l + ".downsamplers.0.");
    name = replaced(name, "decoder.up." + l + ".block.",
                    "decoder.up_blocks." + mirrored + ".resnets.");
    name = replaced(name, "decoder.up." + l + ".upsample.",
                    "decoder.up_blocks." + mirrored + ".upsamplers.0.");
  }
  return replaced(name, "nin_shortcut", "conv_shortcut");
}

}  // namespace obscura::checkpoint
