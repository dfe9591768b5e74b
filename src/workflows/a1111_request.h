// Reads AUTOMATIC1111's requests for images, as its API, /sdapi/v1, takes them.
//
// Names of fields and what they mean follow A1111 1.10. What a request asks for and this program
// does not have is refused with its name, never left out in silence. What differs: noise is made on
// the CPU unless the option randn_source says NV or GPU (A1111's default is the GPU's generator),
// and "masked content: fill" takes its colours from a pyramid, not from blurs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "workflows/a1111_job.h"
#include "workflows/a1111_names.h"

namespace obscura::workflows {

// `settings` are A1111's options, which the request's override_settings go before. kInvalidInput
// names the field.
Result<A1111Job> parse_a1111_text_to_image(const A1111Names& names,
                                           const nlohmann::ordered_json& body,
                                           const nlohmann::ordered_json& settings);

// Takes the images that a request carries; all are files' bytes.
class A1111Images {
 public:
  virtual ~A1111Images() = default;

  // The name by which LoadImage finds it.
  virtual Result<std::string> store(std::string_view image) = 0;
  // The same of `image` where what the mask shows (or does not, if inverted) is filled with colours
  // from around.
  virtual Result<std::string> store_filled(std::string_view image, std::string_view mask,
                                           bool invert) = 0;
  // The box around what the mask shows, with `padding` pixels more on each side, grown to `aspect`
  // (width by height) as far as the mask goes. kInvalidInput if it shows nothing.
  virtual Result<A1111Box> mask_box(std::string_view mask, bool invert, int padding,
                                    double aspect) = 0;
};

Result<A1111Job> parse_a1111_image_to_image(const A1111Names& names,
                                            const nlohmann::ordered_json& body,
                                            const nlohmann::ordered_json& settings,
                                            A1111Images& images);

}  // namespace obscura::workflows
