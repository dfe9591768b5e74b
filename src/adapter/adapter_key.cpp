#include <utility>

#include "adapter/adapter_file.h"

namespace obscura::adapter {
namespace {

constexpr std::pair<std::string_view, Role> kSuffixes[] = {
    {".lora_up.weight", Role::kUp},
    {".lora_down.weight", Role::kDown},
    {".lora_mid.weight", Role::kMid},
    {".lora_B.weight", Role::kUp},
    {".lora_A.weight", Role::kDown},
    {".lora.up.weight", Role::kUp},
    {".lora.down.weight", Role::kDown},
    {".lora_linear_layer.up.weight", Role::kUp},
    {".lora_linear_layer.down.weight", Role::kDown},
    {"_lora.up.weight", Role::kUp},
    {"_lora.down.weight", Role::kDown},
    {".alpha", Role::kAlpha},
    {".scale", Role::kScale},
    {".dora_scale", Role::kMagnitude},
    {".lora_magnitude_vector", Role::kMagnitude},
    {".lora_magnitude_vector.weight", Role::kMagnitude},
    {".hada_w1_a", Role::kHadamard1A},
    {".hada_w1_b", Role::kHadamard1B},
    {".hada_w2_a", Role::kHadamard2A},
    {".hada_w2_b", Role::kHadamard2B},
    {".hada_t1", Role::kHadamard1Mid},
    {".hada_t2", Role::kHadamard2Mid},
    {".lokr_w1", Role::kKronecker1},
    {".lokr_w1_a", Role::kKronecker1A},
    {".lokr_w1_b", Role::kKronecker1B},
    {".lokr_w2", Role::kKronecker2},
    {".lokr_w2_a", Role::kKronecker2A},
    {".lokr_w2_b", Role::kKronecker2B},
    {".lokr_t2", Role::kKronecker2Mid},
    {".a1.weight", Role::kGlora1A},
    {".a2.weight", Role::kGlora2A},
    {".b1.weight", Role::kGlora1B},
    {".b2.weight", Role::kGlora2B},
    {".oft_blocks", Role::kOrthogonalBlocks},
    {".rescale", Role::kRescale},
    {".on_input", Role::kOnInput},
    {".diff", Role::kDifference},
    {".diff_b", Role::kBiasDifference},
    {".w_norm", Role::kNormDifference},
    {".b_norm", Role::kNormBiasDifference},
    {".set_weight", Role::kReplacement},
    // Of (IA)^3; the shortest, so that every other is tried first.
    {".weight", Role::kChannelScale},
};

// peft's name of an adapter within its model: "lora_A.default.weight".
std::string without_peft_name(std::string_view name) {
  constexpr std::string_view kName = ".default";
  std::string result(name);
  std::size_t at = result.rfind(kName);
  if (at != std::string::npos &&
      (at + kName.size() == result.size() || result[at + kName.size()] == '.')) {
    result.erase(at, kName.size());
  }
  return result;
}

}  // namespace

std::optional<AdapterKey> parse_key(std::string_view name) {
  std::string plain = without_peft_name(name);
  std::size_t longest = 0;
  Role role = Role::kUp;
  for (auto [suffix, candidate] : kSuffixes) {
    if (plain.ends_with(suffix) && suffix.size() > longest) {
      longest = suffix.size();
      role = candidate;
    }
  }
  if (longest == 0 || longest == plain.size()) return std::nullopt;
  plain.resize(plain.size() - longest);
  return AdapterKey{std::move(plain), role};
}

}  // namespace obscura::adapter
