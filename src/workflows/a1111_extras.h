// AUTOMATIC1111's extras: images enlarged by the methods that need no model, as a workflow.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace obscura::workflows {

struct A1111Extras {
  bool to_size = false, crop = true;
  double scale = 2;
  int width = 512, height = 512;
  std::string method, second;  // of ImageScale; the second may be empty
  double second_visibility = 0;
};

// A request of extra-single-image or extra-batch-images. kInvalidInput names the field.
Result<A1111Extras> parse_a1111_extras(const nlohmann::ordered_json& body);

// In API form. `images` are names as LoadImage takes them; what comes of each is an output node, in
// their order.
nlohmann::ordered_json a1111_extras_workflow(const A1111Extras& extras,
                                             const std::vector<std::string>& images);

}  // namespace obscura::workflows
