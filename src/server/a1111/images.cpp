#include "server/a1111/images.h"

#include "base/hash.h"
#include "server/studio/project_folders.h"

namespace obscura::server {

Result<std::string> RequestImages::keep(std::string_view png, std::string_view digested) const {
  const ProjectFolders folders(parts_.data, project_);
  OBSCURA_ASSIGN(
      std::string name,
      folders.input.store("sdapi", sha256_hex(digested).substr(0, 32) + ".png", png, true));
  return "sdapi/" + name;
}

Result<std::string> RequestImages::store(std::string_view image) {
  // Decoded and written anew: what lies in the input folder is an image, whatever was sent.
  OBSCURA_ASSIGN(const std::string png, parts_.studio.convert(image, {.format = "png"}));
  return keep(png, image);
}

Result<std::string> RequestImages::store_filled(std::string_view image, std::string_view mask,
                                                bool invert) {
  OBSCURA_ASSIGN(const std::string png, parts_.studio.fill_masked(image, mask, invert));
  return keep(png, png);
}

Result<workflows::A1111Box> RequestImages::mask_box(std::string_view mask, bool invert, int padding,
                                                    double aspect) {
  OBSCURA_ASSIGN(
      const ImageBox box,
      parts_.studio.mask_box(mask, {.invert = invert, .padding = padding, .aspect = aspect}));
  return workflows::A1111Box{box.x, box.y, box.width, box.height};
}

}  // namespace obscura::server
