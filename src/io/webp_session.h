// What the two writers of WebP share: libwebp's images and containers as owned objects.
#pragma once

#include <webp/encode.h>
#include <webp/mux.h>

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"

namespace obscura::io {

// What libwebp allocates in a WebPData, freed with it.
struct OwnedWebpData : WebPData {
  OwnedWebpData() : WebPData{} { WebPDataInit(this); }
  OwnedWebpData(const OwnedWebpData&) = delete;
  OwnedWebpData& operator=(const OwnedWebpData&) = delete;
  ~OwnedWebpData() { WebPDataClear(this); }
};

// kInvalidInput for a side that the format cannot hold.
Status check_webp_size(std::int64_t height, std::int64_t width);

// The settings that both kinds of file know.
WebPConfig webp_config(bool lossless, int quality, int method = 4);

// An image of libwebp's, filled from (H, W, 3 or 4); not filled for want of memory.
class WebpImage {
 public:
  WebpImage(const Tensor& pixels, bool lossless);
  WebpImage(const WebpImage&) = delete;
  WebpImage& operator=(const WebpImage&) = delete;
  ~WebpImage() { WebPPictureFree(&image_); }

  bool is_filled() const { return filled_; }
  WebPPicture* get() { return &image_; }

 private:
  WebPPicture image_;
  bool filled_ = false;
};

Error webp_out_of_memory();

// A WebP file, or the bytes of one image, with chunks for what is said about it; as it is where
// there is nothing to say.
Result<std::vector<std::byte>> webp_with_chunks(const WebPData& image,
                                                std::span<const std::byte> exif,
                                                std::span<const std::byte> profile);

}  // namespace obscura::io
