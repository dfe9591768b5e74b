#include "checkpoint/kinds/adapter.h"

#include <string>
#include <string_view>

#include "checkpoint/kinds/known_by_sight.h"
#include "checkpoint/kinds/made_for.h"

namespace obscura::checkpoint {
namespace {

bool is_adapter(const TensorNames& names) {
  for (std::string_view mark : {".lora_down.", ".lora_up.", ".lora_A.", ".lora_B.", ".lora.down.",
                                "_lora.down.", ".hada_w1_a", ".lokr_w1", ".oft_blocks"})
    if (names.find_containing(mark) != nullptr) return true;
  return false;
}

std::string describe_adapter(const TensorNames& names) {
  if (names.has_prefix("lora_te2_")) return "a LoRA for SDXL";
  return "a LoRA" + made_for(names, {"attn2_to_k.lora_down.", "attn2.to_k.lora_A.",
                                     "attn2.to_k.lora.down.", "attn2_to_k.hada_w1_b"});
}

}  // namespace

const NetworkKind kAdapter{
    .id = "lora",
    .order = 100,
    .folder = {"loras", {"Lora", "LyCORIS"}},
    .describe = describe_adapter,
    .find = [](const TensorNames& n) { return whole_file(kAdapter, n, is_adapter(n)); },
};
namespace {
const RegisterKind kAdapterRegistered{kAdapter};
}  // namespace

}  // namespace obscura::checkpoint
