#include "checkpoint/networks.h"

#include <algorithm>
#include <string>
#include <utility>

#include "checkpoint/kinds/unet.h"
#include "models/unet/unet.h"

namespace obscura::checkpoint {
namespace {

void find_of_kinds(const TensorNames& names, bool alone, std::vector<Component>& found) {
  for (const NetworkKind* kind : network_kinds()) {
    if (!kind->is_run() || kind->alone != alone) continue;
    if (auto network = kind->find(names)) found.push_back(*std::move(network));
  }
}

// Stable Diffusion 1 projects into its transformers by 1x1 convolutions, 2 by linear layers.
bool projects_by_convolution(const Component& unet) {
  for (const auto& [name, entry] : unet.tensors())
    if (name.ends_with(".proj_in.weight")) return entry->shape.rank() == 4;
  return false;
}

Result<const Family*> family_of_unet(const Component& unet) {
  auto read = models::unet_dimensions(unet);
  if (!read.ok()) return read.error().in("unet");
  const models::UNetDimensions& d = *read;
  const Family* family =
      family_of({d.context_width, d.label_width, projects_by_convolution(unet), d.out_channels});
  if (family != nullptr) return family;
  return Error(ErrorKind::kUnsupported,
               "a U-Net of " + family_names() + " is wanted, found one with a context of " +
                   std::to_string(d.context_width) + " features, a label of " +
                   std::to_string(d.label_width) + " and latents of " +
                   std::to_string(d.out_channels) + " channels");
}

}  // namespace

std::vector<Component> find_networks(const TensorNames& names) {
  std::vector<Component> found;
  find_of_kinds(names, false, found);
  if (found.empty()) find_of_kinds(names, true, found);
  return found;
}

Result<const Family*> find_family(const std::vector<Component>& networks) {
  std::vector<const NetworkKind*> kinds;
  for (const Component& network : networks) {
    if (network.kind() == kUNet) return family_of_unet(network);
    kinds.push_back(&network.kind());
  }
  // One encoder by itself may serve several families.
  const Family* family = family_of_encoders(kinds);
  return family != nullptr && family->encoders.size() > 1 ? family : nullptr;
}

}  // namespace obscura::checkpoint
