// Conditionings changed entry by entry, and joined.
#pragma once

#include "pipeline/conditioning.h"

namespace obscura::nodes {

template <class Change>
pipeline::Conditioning with_entries(pipeline::Conditioning conditioning, const Change& change) {
  for (pipeline::Condition& entry : conditioning.entries) change(entry);
  return conditioning;
}

// Both apply.
inline pipeline::Conditioning combined_entries(pipeline::Conditioning first,
                                               const pipeline::Conditioning& second) {
  first.entries.insert(first.entries.end(), second.entries.begin(), second.entries.end());
  return first;
}

}  // namespace obscura::nodes
