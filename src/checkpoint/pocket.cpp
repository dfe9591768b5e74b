#include "checkpoint/pocket.h"

// Defined by obscura_embed (cmake/Embed.cmake).
extern "C" const std::byte obscura_pocket_model_begin[];
extern "C" const std::byte obscura_pocket_model_end[];

namespace obscura::checkpoint {

std::span<const std::byte> pocket_model() {
  return {obscura_pocket_model_begin, obscura_pocket_model_end};
}

}  // namespace obscura::checkpoint
