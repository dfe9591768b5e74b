#include "adapter/module_table.h"

#include <algorithm>
#include <utility>

namespace obscura::adapter {
namespace {

std::size_t index_of(Part part) {
  return static_cast<std::size_t>(part);
}

struct Prefix {
  std::string_view text;
  Part network;
};
// Where one begins another, both are tried. "lora_te_" is Stable Diffusion 1's, whose text encoder
// is SDXL's first. The empty one: peft without a pipeline, and old diffusers.
constexpr Prefix kPrefixes[] = {
    {"lora_unet_", Part::kUNet},
    {"lycoris_unet_", Part::kUNet},
    {"lycoris_", Part::kUNet},
    {"oft_unet_", Part::kUNet},
    {"unet.base_model.model.", Part::kUNet},
    {"base_model.model.unet.", Part::kUNet},
    {"base_model.model.", Part::kUNet},
    {"unet.", Part::kUNet},
    {"model.diffusion_model.", Part::kUNet},
    {"diffusion_model.", Part::kUNet},
    {"lora_te1_", Part::kText1},
    {"lora_te_", Part::kText1},
    {"lycoris_te1_", Part::kText1},
    {"lycoris_te_", Part::kText1},
    {"oft_te1_", Part::kText1},
    {"oft_te_", Part::kText1},
    {"text_encoder.", Part::kText1},
    {"text_encoders.clip_l.transformer.", Part::kText1},
    {"text_encoders.clip_l.", Part::kText1},
    {"conditioner.embedders.0.transformer.", Part::kText1},
    {"lora_te2_", Part::kText2},
    {"lycoris_te2_", Part::kText2},
    {"oft_te2_", Part::kText2},
    {"text_encoder_2.", Part::kText2},
    {"text_encoders.clip_g.transformer.", Part::kText2},
    {"text_encoders.clip_g.", Part::kText2},
    {"", Part::kUNet},
};

std::string underscored(std::string_view name) {
  std::string result(name);
  std::replace(result.begin(), result.end(), '.', '_');
  return result;
}

// diffusers before 0.22 named adapters of attention after its processor.
std::string without_processor(std::string_view stem) {
  std::string result(stem);
  constexpr std::string_view kMark = ".processor.";
  std::size_t at = result.rfind(kMark);
  if (at == std::string::npos) return result;
  result.replace(at, kMark.size(), ".");
  if (result.ends_with(".to_out")) result += ".0";
  return result;
}

std::string replaced(std::string name, std::string_view from, std::string_view to) {
  std::size_t at = name.find(from);
  if (at != std::string::npos) name.replace(at, from.size(), to);
  return name;
}

TensorSlot whole(const runtime::WeightStore& weights, const std::string& name) {
  const Shape* shape = weights.find(name);
  return shape == nullptr ? TensorSlot{} : TensorSlot{name, 0, *shape};
}

// Row block `index` of three.
TensorSlot third(const runtime::WeightStore& weights, const std::string& name, int index) {
  TensorSlot slot = whole(weights, name);
  if (slot.tensor.empty() || slot.shape.rank() == 0) return {};
  std::int64_t rows = slot.shape[0] / 3;
  slot.shape.set(0, rows);
  slot.first_row = rows * index;
  return slot;
}

// Hugging Face's name of a module in OpenCLIP's naming; the name itself if they agree.
std::string hugging_face_name(std::string name) {
  if (name == "ln_final") return "text_model.final_layer_norm";
  if (name == "token_embedding") return "text_model.embeddings.token_embedding";
  if (!name.starts_with("transformer.resblocks.")) return name;
  name = replaced(name, "transformer.resblocks.", "text_model.encoder.layers.");
  name = replaced(name, ".attn.", ".self_attn.");
  name = replaced(name, ".mlp.c_fc", ".mlp.fc1");
  name = replaced(name, ".mlp.c_proj", ".mlp.fc2");
  name = replaced(name, ".ln_1", ".layer_norm1");
  return replaced(name, ".ln_2", ".layer_norm2");
}

}  // namespace

std::string_view name_of(Part part) {
  return part == Part::kUNet ? "unet" : part == Part::kText1 ? "text1" : "text2";
}

std::string stem_of(const Module& module) {
  if (module.network == Part::kUNet) return "diffusion_model." + module.name;
  const bool first = module.network == Part::kText1;
  return (first ? "text_encoders.clip_l.transformer." : "text_encoders.clip_g.transformer.") +
         hugging_face_name(module.name);
}

ModuleTable::ModuleTable(const Networks& networks) {
  if (networks.unet) add_unet(*networks.unet);
  if (networks.text1) add_text_encoder(Part::kText1, *networks.text1);
  if (networks.text2) add_text_encoder(Part::kText2, *networks.text2);
}

void ModuleTable::add(Module module, const std::vector<std::string>& names,
                      std::string_view diffusers) {
  Names& table = names_[index_of(module.network)];
  for (const std::string& name : names) {
    if (!name.empty()) table.emplace(underscored(name), Named{modules_.size(), name == diffusers});
  }
  modules_.push_back(std::move(module));
}

void ModuleTable::add_unet(const runtime::WeightStore& weights) {
  present_[index_of(Part::kUNet)] = true;
  std::int64_t stride = 1;
  while (weights.find("input_blocks." + std::to_string(stride) + ".0.op.weight") == nullptr &&
         weights.find("input_blocks." + std::to_string(stride) + ".0.in_layers.0.weight") !=
             nullptr)
    ++stride;
  for (const auto& [tensor, stored] : weights.tensors()) {
    if (!tensor.ends_with(".weight")) continue;
    std::string name = tensor.substr(0, tensor.size() - 7);
    std::string diffusers = diffusers_name(name, stride);
    add({Part::kUNet, name, whole(weights, tensor), whole(weights, name + ".bias")},
        {name, diffusers}, diffusers);
  }
}

void ModuleTable::add_text_encoder(Part part, const runtime::WeightStore& weights) {
  present_[index_of(part)] = true;
  for (const auto& [tensor, stored] : weights.tensors()) {
    constexpr std::string_view kFused = ".in_proj_weight";
    if (tensor.ends_with(kFused)) {
      std::string attention = tensor.substr(0, tensor.size() - kFused.size());
      constexpr const char* kParts[] = {".q_proj", ".k_proj", ".v_proj"};
      for (int i = 0; i < 3; ++i) {
        std::string name = hugging_face_name(attention + kParts[i]);
        add({part, name, third(weights, tensor, i), third(weights, attention + ".in_proj_bias", i)},
            {name, replaced(name, kParts[i], std::string(".to_") + kParts[i][1])});
      }
    } else if (tensor == "text_projection" && stored.shape.rank() == 2) {
      TensorSlot slot{tensor, 0, Shape{stored.shape[1], stored.shape[0]}, true};
      add({part, tensor, std::move(slot), {}}, {tensor});
    } else if (tensor == "positional_embedding") {
      add({part, tensor, whole(weights, tensor), {}}, {"text_model.embeddings.position_embedding"});
    } else if (tensor.ends_with(".weight")) {
      std::string own = tensor.substr(0, tensor.size() - 7), name = hugging_face_name(own);
      // Old diffusers: to_q, …, to_out, left after the "_lora" of "to_q_lora".
      std::string old = replaced(replaced(name, ".out_proj", ".to_out"), "_proj", "");
      for (const char* ending : {".q", ".k", ".v"})
        if (old.ends_with(ending)) old.insert(old.size() - 1, "to_");
      add({part, own, whole(weights, tensor), whole(weights, own + ".bias")}, {name, own, old});
    }
  }
}

StemMatch ModuleTable::find(std::string_view stem) const {
  StemMatch match;
  for (const Prefix& prefix : kPrefixes) {
    if (!stem.starts_with(prefix.text)) continue;
    std::size_t network = index_of(prefix.network);
    if (!present_[network]) {
      match.of_absent_network |= !prefix.text.empty();
      continue;
    }
    std::string name = underscored(without_processor(stem.substr(prefix.text.size())));
    auto found = names_[network].find(name);
    if (found == names_[network].end()) continue;
    return {&modules_[found->second.module], false, found->second.diffusers};
  }
  return match;
}

}  // namespace obscura::adapter
