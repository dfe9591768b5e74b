// What a checkpoint file turned out to be: which networks it holds, under which names, how they
// predict, and what became of each of its tensors.
//
// A layout borrows the file's entries: it must not outlive the file. Plain values; const use is
// thread safe.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/safetensors.h"
#include "ir/graph.h"
#include "models/clip/text_encoder.h"
#include "models/unet/unet.h"

namespace obscura::checkpoint {

enum class Architecture { kSdxlBase };
std::string_view name_of(Architecture architecture);  // "SDXL base"

// What the U-Net's output stands for.
enum class Prediction {
  kEpsilon,   // the noise
  kVelocity,  // alpha noise - sigma image (arXiv:2202.00512)
};

enum class ComponentKind { kUNet, kClipL, kClipG, kVae };
std::string_view name_of(ComponentKind kind);  // "unet", "clip_l", "clip_g", "vae"

// One network's tensors under the network's own names: what models/ builds it from, and what fills
// a runtime's weight store.
class Component final : public ir::WeightIndex {
 public:
  // Takes the entries whose names begin with `prefix`, under the rest of their names. Entries
  // without elements are left out: no network has a weight of size 0.
  Component(ComponentKind kind, std::string prefix, std::span<const io::TensorEntry> entries);

  ComponentKind kind() const { return kind_; }
  const std::string& prefix() const { return prefix_; }

  const Shape* find(std::string_view name) const override;
  const io::TensorEntry* entry(std::string_view name) const;
  const std::map<std::string_view, const io::TensorEntry*>& tensors() const { return tensors_; }
  // Elements of its floating-point tensors.
  std::int64_t parameters() const;

 private:
  ComponentKind kind_;
  std::string prefix_;
  std::map<std::string_view, const io::TensorEntry*> tensors_;
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
  Architecture architecture = Architecture::kSdxlBase;
  Prediction prediction = Prediction::kEpsilon;
  // Trained with noise alone at the last timestep (arXiv:2305.08891).
  bool zero_terminal_snr = false;
  // Latents are multiplied by this before they are noised.
  float latent_scale = 0;

  models::UNetConfig unet;
  models::TextEncoderConfig clip_l, clip_g;

  std::vector<Component> components;
  TensorReport tensors;

  // nullptr if the file does not hold it.
  const Component* component(ComponentKind kind) const;
};

}  // namespace obscura::checkpoint
