// Puts a LoRA beside a model's layers, as branches of the graph (nn/branch.h), where adapt() merges
// it into the weights: its strength is then an input of each run, and changing it prepares nothing.
//
// Results differ from the merged ones by rounding alone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapter/adapter_file.h"
#include "adapter/module_table.h"
#include "base/result.h"

namespace obscura::adapter {

struct BranchedNetworks {
  // Each the store that was given where the adapter has nothing for it. Graphs built from one that
  // has a branch have the steady input `source` (1): the strength.
  Networks networks;
  // Stems of the modules that no branch can stand for: relatives of LoRA (only plain up * down of a
  // whole Linear or convolution can), parts of a merged projection, embeddings and norms.
  std::vector<std::string> left_out;
  int modules = 0;
};

// `source` is the branch's name in the graphs. Errors name the adapter: kInvalidInput if a factor
// does not fit the model, kCorrupt if it is damaged.
Result<BranchedNetworks> branched(const std::shared_ptr<const AdapterFile>& adapter,
                                  const Networks& base, const std::string& source);

}  // namespace obscura::adapter
