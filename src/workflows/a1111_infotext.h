// Reads the "parameters" that AUTOMATIC1111's web UI, and all that learned from it, writes into
// images: prompt, "Negative prompt: …", and a last line of "Key: value" pairs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "workflows/a1111_names.h"

namespace obscura::workflows {

// The keys and values, and the two prompts as "Prompt" and "Negative prompt"; empty if it is none.
nlohmann::ordered_json a1111_read_infotext(const std::string& infotext);

// The request that would make the image again.
struct A1111Recipe {
  nlohmann::ordered_json request;     // of txt2img
  std::vector<std::string> left_out;  // what it also says and no request holds: "RNG: GPU"
};
// kInvalidInput if the text is none of AUTOMATIC1111's.
Result<A1111Recipe> a1111_recipe(const std::string& infotext);

// The same as a workflow, in API form.
struct A1111Workflow {
  nlohmann::ordered_json prompt;
  std::vector<std::string> left_out;
};
Result<A1111Workflow> a1111_workflow_of(const std::string& infotext, A1111Names names);

}  // namespace obscura::workflows
