// What a checkpoint file turned out to be: which networks it holds, under which names, how they
// predict, and what became of each of its tensors.
//
// A layout borrows the file's entries: it must not outlive the file. Plain values; const use is
// thread safe.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/family.h"
#include "checkpoint/network_kind.h"
#include "io/safetensors.h"
#include "ir/graph.h"
#include "models/clip/text_encoder.h"
#include "models/unet/unet.h"

namespace obscura::checkpoint {

// What the U-Net's output stands for.
enum class Prediction {
  kEpsilon,   // the noise
  kVelocity,  // alpha noise - sigma image (arXiv:2202.00512)
};

// The network's name for a tensor that a file calls otherwise; empty if it is not the network's.
using Rename = std::function<std::string(std::string_view name)>;

// One network's tensors under the network's own names: what models/ builds it from, and what fills
// a runtime's weight store.
class Component final : public ir::WeightIndex {
 public:
  // Takes the entries whose names begin with `prefix`, under the rest of their names, or under what
  // `rename` makes of that. Entries without elements are left out: no network has a weight of
  // size 0. Scales of float8 weights ("out.2.scale_weight") are kept beside their weights.
  Component(const NetworkKind& kind, std::string prefix, std::span<const io::TensorEntry> entries,
            const Rename& rename = nullptr);

  const NetworkKind& kind() const { return *kind_; }
  const std::string& prefix() const { return prefix_; }

  const Shape* find(std::string_view name) const override;
  const io::TensorEntry* entry(std::string_view name) const;
  const std::map<std::string, const io::TensorEntry*, std::less<>>& tensors() const {
    return tensors_;
  }
  // The one number that a weight is to be multiplied by; null if it is stored as it is.
  const io::TensorEntry* scale_entry(std::string_view name) const;
  // Its value: 1 where there is none. REQUIRES: check_scales() passed, and the file's bytes are
  // there.
  float scale(std::string_view name) const;
  // kUnsupported for a scale that is not one number.
  Status check_scales() const;
  // Elements of its floating-point tensors.
  std::int64_t parameters() const;

 private:
  const NetworkKind* kind_;
  std::string prefix_;
  std::map<std::string, const io::TensorEntry*, std::less<>> tensors_, scales_;
};

// What became of the file's tensors. Each is in exactly one of the lists.
struct TensorReport {
  struct Ignored {
    const io::TensorEntry* entry;
    std::string_view reason;
  };
  std::vector<const io::TensorEntry*> used;
  std::vector<Ignored> ignored;                 // known, and not needed
  std::vector<const io::TensorEntry*> unknown;  // for the user to see, by name
};

struct CheckpointLayout {
  // The family that the file's networks belong to. Null: a VAE or a text encoder by itself, which
  // may serve several.
  const Family* family = nullptr;
  Prediction prediction = Prediction::kEpsilon;
  // Trained with noise alone at the last timestep (arXiv:2305.08891).
  bool zero_terminal_snr = false;

  std::vector<Component> components;
  TensorReport tensors;

  // nullptr if the file does not hold it.
  const Component* component(const NetworkKind& kind) const;
  bool has(const NetworkKind& kind) const { return component(kind) != nullptr; }
  bool has_text_encoders() const;
  // What the networks' tensors do not tell. Without a family, a text encoder's is that of the first
  // family that has such a one.
  models::UNetConfig unet_config() const;
  models::TextEncoderConfig text_encoder_config(const NetworkKind& kind) const;
  // "SDXL base", "U-Net of Stable Diffusion 1", "VAE"; by the id of its kind what is none of these.
  std::string title() const;
};

}  // namespace obscura::checkpoint
