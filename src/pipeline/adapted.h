// Models with an adapter (a LoRA or a relative) put on: copies of the values, over weights that are
// changed as they are read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapter/adapted_weights.h"
#include "pipeline/model.h"

namespace obscura::pipeline {

struct Adapted {
  // What was given, itself where the adapter changes nothing of it.
  std::shared_ptr<const DiffusionModel> model;
  std::shared_ptr<const TextEncoders> text;
  // Names of the adapter's tensors that have no place in what was given.
  std::vector<std::string> unmatched;
  int model_modules = 0, text_modules = 0;  // that the adapter has a place for
};

// Where adapter files look for a text encoder of the family.
std::shared_ptr<runtime::WeightStore>& place_of(const TextEncoder& encoder,
                                                adapter::Networks& networks);

// `model` or `text` may be null: the adapter's part for it is then passed over. Adapters stack in
// the order of the calls; taking one off is using what was given. Errors of adapter::adapt.
Result<Adapted> with_adapter(std::shared_ptr<const DiffusionModel> model,
                             std::shared_ptr<const TextEncoders> text,
                             const std::shared_ptr<const adapter::AdapterFile>& file,
                             const adapter::Strengths& strengths);

}  // namespace obscura::pipeline
