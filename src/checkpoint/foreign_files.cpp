#include "checkpoint/foreign_files.h"

#include <string>

#include "checkpoint/families.h"

namespace obscura::checkpoint {
namespace {

// The family of an adapter or network, from the innermost size of the first tensor whose name
// contains one of `parts`: a projection of the context.
std::string family(const TensorNames& names, std::initializer_list<std::string_view> parts) {
  for (std::string_view part : parts) {
    const io::TensorEntry* entry = names.find_containing(part);
    if (entry == nullptr || entry->shape.rank() < 2) continue;
    std::string_view family = family_of_context(entry->shape[1]);
    return family.empty() ? "" : " for " + std::string(family);
  }
  return "";
}

constexpr const char* kWanted = "a model of SDXL or Stable Diffusion 1 or 2";

// A kind of file, by what its tensors are called.
struct Kind {
  bool (*is)(const TensorNames& names);
  std::string (*what)(const TensorNames& names);
  const char* folder;  // of a models folder; nullptr if there is none to send it to
};

bool is_lora(const TensorNames& names) {
  for (std::string_view mark : {".lora_down.", ".lora_up.", ".lora_A.", ".lora_B.", ".lora.down.",
                                "_lora.down.", ".hada_w1_a", ".lokr_w1", ".oft_blocks"}) {
    if (names.find_containing(mark) != nullptr) return true;
  }
  return false;
}

std::string describe_lora(const TensorNames& names) {
  if (names.has_prefix("lora_te2_")) return "a LoRA for SDXL";
  return "a LoRA" + family(names, {"attn2_to_k.lora_down.", "attn2.to_k.lora_A.",
                                   "attn2.to_k.lora.down.", "attn2_to_k.hada_w1_b"});
}

bool is_controlnet(const TensorNames& names) {
  return names.has_prefix("control_model.") || names.has("input_hint_block.0.weight") ||
         names.has("controlnet_cond_embedding.conv_in.weight");
}

constexpr Kind kKinds[] = {
    {is_lora, describe_lora, "loras"},
    {is_controlnet,
     [](const TensorNames& names) { return "a ControlNet" + family(names, {"attn2.to_k.weight"}); },
     "controlnet"},
    {[](const TensorNames& n) { return n.has("emb_params") || n.has_prefix("string_to_param"); },
     [](const TensorNames&) { return std::string("a textual inversion embedding"); }, "embeddings"},
    {[](const TensorNames& n) {
       return n.entries().size() <= 2 && (n.has("clip_l") || n.has("clip_g"));
     },
     [](const TensorNames&) { return std::string("a textual inversion embedding for SDXL"); },
     "embeddings"},
    {[](const TensorNames& n) { return n.has_prefix("model.diffusion_model.joint_blocks."); },
     [](const TensorNames&) { return std::string("a Stable Diffusion 3 checkpoint"); }, nullptr},
    {[](const TensorNames& n) { return n.find_containing("double_blocks.0.img_attn.") != nullptr; },
     [](const TensorNames&) { return std::string("a FLUX model"); }, nullptr},
    {[](const TensorNames& n) { return n.has_prefix("model.diffusion_model."); },
     [](const TensorNames&) { return std::string("a diffusion model of an unknown kind"); },
     nullptr},
    {[](const TensorNames& n) {
       return n.find_containing("ip_adapter.") != nullptr || n.has_prefix("image_proj.");
     },
     [](const TensorNames&) { return std::string("an IP-Adapter"); }, "ipadapter"},
    {[](const TensorNames& n) {
       return n.has("conv_first.weight") || n.has_prefix("model.1.sub.0.");
     },
     [](const TensorNames&) { return std::string("an upscaler"); }, "upscale_models"},
};

}  // namespace

Error refuse_foreign_file(const TensorNames& names) {
  for (const Kind& kind : kKinds) {
    if (!kind.is(names)) continue;
    std::string message =
        "this is " + kind.what(names) + std::string(", ") + kWanted + " is wanted";
    if (kind.folder != nullptr) {
      message += std::string("; its place is the folder ") + kind.folder;
    }
    return Error(ErrorKind::kUnsupported, message);
  }
  std::string found = "no tensors";
  if (!names.entries().empty()) {
    found = std::to_string(names.entries().size()) + " tensors, the first " +
            names.entries().front().name;
  }
  return Error(ErrorKind::kUnsupported,
               std::string(kWanted) + " is wanted, found a file of " + found);
}

}  // namespace obscura::checkpoint
