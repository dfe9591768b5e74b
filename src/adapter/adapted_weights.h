// Puts an adapter onto a model: weight stores that read the base's tensors and change them, in
// float32, by what the adapter says.
//
// Nothing is merged and nothing is modified. The base stays as it is, so that an adapter is taken
// off by using the base again, to the bit; adapters stack by adapting what is adapted already.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adapter/adapter_file.h"
#include "adapter/module_table.h"
#include "base/result.h"

namespace obscura::adapter {

struct Strengths {
  double unet = 1, text = 1;  // of the U-Net, and of both text encoders; 0: not adapted
  // Factors on `unet` for single blocks, by LDM's name of the block: "input_blocks.4",
  // "middle_block", "output_blocks.0", "time_embed". Blocks that are not named count as 1.
  std::map<std::string, double, std::less<>> blocks;
};

struct AdaptedNetworks {
  // Each the store that was given where the adapter changes nothing of it, or its strength is 0.
  Networks networks;
  // Names of the adapter's tensors that have no place in the model, in the file's order.
  std::vector<std::string> unmatched;
  int unet_modules = 0, text_modules = 0;  // that the adapter has a place for
};

// `adapter` stays open as long as one of the stores is used. Errors name the adapter: kInvalidInput
// if it is for another kind of model, or is no adapter, and what it seems to be; kCorrupt if it is
// damaged. Modules of a network that is null are passed over.
Result<AdaptedNetworks> adapt(const std::shared_ptr<const AdapterFile>& adapter,
                              const Networks& base, const Strengths& strengths);

}  // namespace obscura::adapter
