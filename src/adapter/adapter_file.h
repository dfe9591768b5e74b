// An adapter file (a LoRA or a relative) opened for use: its tensors grouped by the module that
// they change, before it is known which model they will meet.
//
// In any format that io::TensorFile reads. Layouts: kohya's sd-scripts, diffusers and peft, LyCORIS
// (https://github.com/KohakuBlueleaf/LyCORIS), and what ComfyUI writes.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/tensor_file.h"

namespace obscura::adapter {

// What a tensor is to its module, whatever its file calls it.
enum class Role {
  kUp,    // LoRA: (out, rank) of up * down
  kDown,  // (rank, in, …)
  kMid,   // (rank, rank, k, k) of a Tucker decomposition
  kAlpha,
  kScale,      // in place of alpha / rank
  kMagnitude,  // DoRA
  kHadamard1A,
  kHadamard1B,
  kHadamard2A,
  kHadamard2B,
  kHadamard1Mid,
  kHadamard2Mid,
  kKronecker1,
  kKronecker1A,
  kKronecker1B,
  kKronecker2,
  kKronecker2A,
  kKronecker2B,
  kKronecker2Mid,
  kGlora1A,
  kGlora2A,
  kGlora1B,
  kGlora2B,
  kOrthogonalBlocks,
  kRescale,
  kChannelScale,  // (IA)^3, with kOnInput
  kOnInput,
  kDifference,
  kBiasDifference,
  kNormDifference,
  kNormBiasDifference,
  kReplacement,
};

// The tensors of one module. The stem is the file's own name for it:
// "lora_unet_input_blocks_4_1_proj_in", "unet.mid_block.attentions.0.proj_in".
struct AdapterModule {
  std::string stem;
  std::map<Role, const io::TensorEntry*> tensors;

  const io::TensorEntry* find(Role role) const {
    auto found = tensors.find(role);
    return found == tensors.end() ? nullptr : found->second;
  }
};

// Immutable and thread safe. Reads nothing but the header until an adapted model is read.
class AdapterFile {
 public:
  // `name` is what messages call it: the path below its folder. `identity` must differ wherever the
  // content may: path, size and time of change. Errors of io::TensorFile; kCorrupt if two
  // tensors play one part or if peft's metadata is not JSON.
  static Result<std::shared_ptr<const AdapterFile>> open(const std::filesystem::path& path,
                                                         std::string name, std::string identity);
  // The same over bytes that the caller keeps alive.
  static Result<std::shared_ptr<const AdapterFile>> parse(std::span<const std::byte> bytes,
                                                          std::string name, std::string identity);

  const std::string& name() const { return name_; }
  const std::string& identity() const { return identity_; }
  const io::TensorFile& file() const { return file_; }
  const std::vector<AdapterModule>& modules() const { return modules_; }
  // Tensors that are no part of any adapter that Obscura knows.
  const std::vector<const io::TensorEntry*>& unknown() const { return unknown_; }

  // alpha / rank by peft's `lora_adapter_metadata`, where it says something of this module; else 1.
  // (diffusers' files have no alpha tensors.) kCorrupt if that text is not what it should be.
  Result<double> metadata_scale(std::string_view stem, double rank) const;

 private:
  AdapterFile(io::TensorFile file, std::string name, std::string identity)
      : file_(std::move(file)), name_(std::move(name)), identity_(std::move(identity)) {}
  static Result<std::shared_ptr<const AdapterFile>> grouped(io::TensorFile file, std::string name,
                                                            std::string identity);

  io::TensorFile file_;
  std::string name_, identity_;
  std::vector<AdapterModule> modules_;
  std::vector<const io::TensorEntry*> unknown_;
  std::shared_ptr<const nlohmann::json> peft_;  // lora_adapter_metadata; null if there is none
};

// The module and the role that a tensor's name says: {"lora_unet_x", kUp} of
// "lora_unet_x.lora_up.weight". Nothing if it is not a name of an adapter.
struct AdapterKey {
  std::string stem;
  Role role;
};
std::optional<AdapterKey> parse_key(std::string_view name);

}  // namespace obscura::adapter
