// The modules of a model under every name that adapter files have for them.
//
// Names differ in the prefix that says which network is meant ("lora_unet_", "unet.", "lora_te2_",
// "text_encoder_2."), in the network's own naming (LDM's or diffusers' for the U-Net; Hugging
// Face's for both text encoders), and in "." or "_" between its parts. The table is made from the
// tensors that the model has, so that it fits any network of the family.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/weight_store.h"
#include "tensor/shape.h"

namespace obscura::adapter {

// A stored tensor, or a block of its rows: OpenCLIP keeps the projections to q, k and v in one.
struct TensorSlot {
  std::string tensor;  // the network's own name; empty if the module has none
  std::int64_t first_row = 0;
  Shape shape;              // as the module sees it: (out, in, …)
  bool transposed = false;  // stored as (in, out)
};

// What adapter files call the networks that they change: text encoders by their place, which the
// family says (checkpoint::FamilyEncoder).
enum class Part { kUNet, kText1, kText2 };
std::string_view name_of(Part part);  // "unet", "text1", "text2"

struct Module {
  Part network = Part::kUNet;
  std::string name;  // the network's own: "input_blocks.4.1.proj_in"
  TensorSlot weight, bias;
};

// The networks that adapters can change; a null one is not there.
struct Networks {
  std::shared_ptr<runtime::WeightStore> unet, text1, text2;

  std::shared_ptr<runtime::WeightStore>& of(Part part) {
    return part == Part::kUNet ? unet : part == Part::kText1 ? text1 : text2;
  }
};

// The module's name in files that ComfyUI writes: "diffusion_model.middle_block.1.proj_in",
// "text_encoders.clip_g.transformer.text_model.final_layer_norm".
std::string stem_of(const Module& module);

// What a stem stands for.
struct StemMatch {
  const Module* module = nullptr;  // null: no such module
  // The prefix names a network that is not there: the adapter may be right, and is not asked for.
  bool of_absent_network = false;
  bool in_diffusers_names = false;
};

// Const use is thread safe.
class ModuleTable {
 public:
  explicit ModuleTable(const Networks& networks);

  StemMatch find(std::string_view stem) const;
  const std::vector<Module>& modules() const { return modules_; }

 private:
  struct Named {
    std::size_t module;
    bool diffusers;
  };
  using Names = std::unordered_map<std::string, Named>;  // "." written as "_"

  void add_unet(const runtime::WeightStore& weights);
  void add_text_encoder(Part part, const runtime::WeightStore& weights);
  void add(Module module, const std::vector<std::string>& names, std::string_view diffusers = "");

  std::vector<Module> modules_;
  std::array<Names, 3> names_;  // by network
  std::array<bool, 3> present_{};
};

// The name that diffusers gives a module of the U-Net: "down_blocks.1.attentions.0.proj_in" for
// "input_blocks.4.1.proj_in". `stride` is the number of input blocks a level has, its downsampler
// included (3 for SDXL). Empty if it has none.
std::string diffusers_name(std::string_view ldm, std::int64_t stride);

}  // namespace obscura::adapter
