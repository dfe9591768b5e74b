// What the nodes that encode prompts share.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "graph/node_call.h"
#include "pipeline/text.h"

namespace obscura::nodes {

// Encodes with the encoders at the input "clip", their hooks, and the textual inversions of the
// embeddings folders; passes the prompt's warnings on. Scheduled hooks give an entry for each part
// of the sampling.
Result<pipeline::Conditioning> encode(const graph::NodeCall& call, std::string_view text_l,
                                      std::string_view text_g);
// The same for given encoders, their hooks at full strength.
Result<pipeline::Condition> encode(const graph::NodeCall& call,
                                   std::shared_ptr<const pipeline::TextEncoders> encoders,
                                   std::string_view text, pipeline::Emphasis emphasis);

// What tells the files of the textual inversions apart that the texts at `inputs` name: for the
// fingerprints of nodes that encode.
Result<std::optional<std::string>> embeddings_fingerprint(const graph::NodeInputs& inputs,
                                                          const graph::Environment& environment,
                                                          std::initializer_list<const char*> names);

}  // namespace obscura::nodes
