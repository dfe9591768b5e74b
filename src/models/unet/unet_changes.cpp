#include "models/unet/unet_changes.h"

#include <sstream>

namespace obscura::models {

std::string UNetChanges::key() const {
  std::ostringstream key;
  key.precision(9);
  if (free_u) {
    key << " free_u " << free_u->b1 << ' ' << free_u->b2 << ' ' << free_u->s1 << ' ' << free_u->s2
        << ' ' << free_u->version_2;
  }
  if (deep_shrink) {
    key << " deep_shrink " << deep_shrink->block << ' ' << deep_shrink->factor << ' '
        << deep_shrink->after_skip << ' ' << static_cast<int>(deep_shrink->down) << ' '
        << static_cast<int>(deep_shrink->up);
  }
  if (hyper_tile) {
    key << " hyper_tile " << hyper_tile->tile << ' ' << hyper_tile->choices << ' '
        << hyper_tile->max_depth << ' ' << hyper_tile->scale_depth;
  }
  if (token_merge) key << " token_merge " << token_merge->ratio;
  for (const std::string& place : skipped) key << " without " << place;
  if (middle_attention_is_identity) key << " middle_attention_is_identity";
  if (show_middle_attention) key << " show_middle_attention";
  return key.str();
}

std::vector<std::string> UNetChanges::shown() const {
  if (!show_middle_attention) return {};
  return {"middle_q", "middle_k"};
}

}  // namespace obscura::models
