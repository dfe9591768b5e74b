// The published checkpoints in small: every kind of tensor and block, at about a tenth of the width
// and with shallow transformers, filled with random weights.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "io/random_checkpoint.h"
#include "models/key_list.h"

namespace obscura::models {

// How the sizes of one published list shrink. Widths stay multiples of the 32 groups of norms and,
// where attention has heads of 64, of those.
struct Reduction {
  const char* list;                  // of models/keys
  std::int64_t unit, divisor;        // multiples of `unit` in the U-Net are divided
  std::int64_t context, to_context;  // the text states' width
  std::int64_t label, to_label;      // pooled state and size condition; 0: there is none
};

inline constexpr Reduction kReducedSdxlBase{"sdxl_base_keys.tsv", 320, 10, 2048, 192, 2816, 1664};
inline constexpr Reduction kReducedRefiner{"sdxl_refiner_keys.tsv", 384, 12, 1280, 128, 2560, 1408};
inline constexpr Reduction kReducedSd1{"sd15_keys.tsv", 320, 10, 768, 64, 0, 0};
inline constexpr Reduction kReducedSd2{"sd21_keys.tsv", 320, 5, 1024, 64, 0, 0};

inline bool is_kept(const std::string& name) {
  auto layer_after = [&](const std::string& part) {
    std::size_t at = name.find(part);
    return at == std::string::npos ? 0 : std::atoi(name.c_str() + at + part.size());
  };
  return layer_after(".transformer_blocks.") < 2 && layer_after(".encoder.layers.") < 3 &&
         layer_after(".resblocks.") < 3;
}

inline std::int64_t reduced(const Reduction& r, const std::string& name, std::int64_t size) {
  static const std::map<std::int64_t, std::int64_t> kVae = {{128, 32}, {256, 64}, {512, 128}};
  static const std::map<std::int64_t, std::int64_t> kClip = {
      {768, 64}, {3072, 256}, {1280, 128}, {3840, 384}, {5120, 512}};
  static const std::map<std::int64_t, std::int64_t> kClipH = {{1024, 64}, {3072, 192}, {4096, 256}};
  if (name.starts_with("model.diffusion_model.")) {
    if (size == r.context && name.find(".attn2.to_") != std::string::npos) return r.to_context;
    if (size == r.label && name.find("label_emb.0.0.") != std::string::npos) return r.to_label;
    return size % r.unit == 0 ? size / r.divisor : size;
  }
  const auto& table = name.starts_with("first_stage_model.")        ? kVae
                      : name.starts_with("cond_stage_model.model.") ? kClipH
                                                                    : kClip;
  auto found = table.find(size);
  return found == table.end() ? size : found->second;
}

// Without bytes. `channels` go into the U-Net: 4, or 9 for inpainting.
inline std::vector<io::TensorEntry> reduced_entries(const Reduction& reduction,
                                                    std::int64_t channels = 4) {
  std::vector<io::TensorEntry> entries;
  for (io::TensorEntry entry : read_key_list(reduction.list)) {
    if (!is_kept(entry.name)) continue;
    for (int axis = 0; axis < entry.shape.rank(); ++axis)
      entry.shape.set(axis, reduced(reduction, entry.name, entry.shape[axis]));
    if (entry.name == "model.diffusion_model.input_blocks.0.0.weight") entry.shape.set(1, channels);
    entries.push_back(std::move(entry));
  }
  return entries;
}

// A checkpoint of these tensors with random weights, removed with the object.
class RandomModel {
 public:
  explicit RandomModel(const std::vector<io::TensorEntry>& entries) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "obscura_random_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    std::ofstream list(folder_ / "keys.tsv");
    for (const io::TensorEntry& entry : entries) {
      list << entry.name << '\t' << name_of(entry.dtype) << '\t';
      for (int axis = 0; axis < entry.shape.rank(); ++axis)
        list << (axis > 0 ? "," : "") << entry.shape[axis];
      list << '\n';
    }
    list.close();
    Status written = io::write_random_checkpoint(folder_ / "keys.tsv", path());
    if (!written.ok()) throw std::runtime_error(written.error().message());
  }
  RandomModel(const RandomModel&) = delete;
  RandomModel& operator=(const RandomModel&) = delete;
  ~RandomModel() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path path() const { return folder_ / "model.safetensors"; }

 private:
  std::filesystem::path folder_;
};

}  // namespace obscura::models
