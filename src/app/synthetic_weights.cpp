#include "app/synthetic_weights.h"

#include <algorithm>
#include <random>
#include <vector>

#include "io/key_list.h"

extern "C" const char obscura_sdxl_keys_begin[], obscura_sdxl_keys_end[];

namespace obscura::app {

Result<std::shared_ptr<runtime::WeightStore>> synthetic_sdxl(const std::string& prefix) {
  std::string_view text(obscura_sdxl_keys_begin,
                        static_cast<std::size_t>(obscura_sdxl_keys_end - obscura_sdxl_keys_begin));
  OBSCURA_ASSIGN(auto declarations, io::parse_key_list(text, "the list of SDXL's tensors"));
  std::int64_t largest = 0;
  for (const auto& declaration : declarations) {
    if (declaration.name.rfind(prefix, 0) == 0)
      largest = std::max(largest, declaration.shape.elements());
  }
  auto block = std::make_shared<std::vector<std::uint16_t>>(static_cast<std::size_t>(largest));
  std::minstd_rand random(1);
  // Between -0.008 and 0.008: with SDXL's fan-ins, about the spread of a trained weight.
  for (std::uint16_t& bits : *block)
    bits = f32_to_f16(static_cast<float>(random() % 2001) * 8e-6f - 8e-3f);
  auto store = std::make_shared<runtime::WeightStore>("synthetic " + prefix, block);
  for (const auto& declaration : declarations) {
    if (declaration.name.rfind(prefix, 0) != 0) continue;
    std::size_t bytes =
        static_cast<std::size_t>(declaration.shape.elements()) * sizeof(std::uint16_t);
    store->add(declaration.name.substr(prefix.size()),
               {DType::kF16, declaration.shape, std::as_bytes(std::span(*block)).first(bytes)});
  }
  return store;
}

}  // namespace obscura::app
