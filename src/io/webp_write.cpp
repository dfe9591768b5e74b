#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "io/exif.h"
#include "io/samples.h"
#include "io/webp.h"
#include "io/webp_session.h"

namespace obscura::io {
namespace {

struct DeleteMux {
  void operator()(WebPMux* mux) const { WebPMuxDelete(mux); }
};

std::vector<std::byte> copied(const WebPData& data) {
  const auto* first = reinterpret_cast<const std::byte*>(data.bytes);
  return {first, first + data.size};
}

}  // namespace

Error webp_out_of_memory() {
  return Error(ErrorKind::kOutOfMemory, "libwebp could not encode the image");
}

Status check_webp_size(std::int64_t height, std::int64_t width) {
  if (height <= WEBP_MAX_DIMENSION && width <= WEBP_MAX_DIMENSION) return {};
  return Error(ErrorKind::kInvalidInput,
               fmt::format("WebP holds at most {} pixels a side, found {}x{}", WEBP_MAX_DIMENSION,
                           width, height));
}

WebPConfig webp_config(bool lossless, int quality, int method) {
  WebPConfig config;
  OBSCURA_CHECK(WebPConfigInit(&config) != 0, "libwebp's headers and library differ");
  config.quality = static_cast<float>(quality);
  config.method = method;
  config.lossless = lossless ? 1 : 0;
  config.exact = config.lossless;  // also where nothing is seen
  return config;
}

WebpImage::WebpImage(const Tensor& pixels, bool lossless) {
  OBSCURA_CHECK(WebPPictureInit(&image_) != 0, "libwebp's headers and library differ");
  const auto height = static_cast<int>(pixels.shape()[0]),
             width = static_cast<int>(pixels.shape()[1]),
             channels = static_cast<int>(pixels.shape()[2]);
  OBSCURA_CHECK(channels == 3 || channels == 4, "an image has three or four channels");
  std::vector<std::uint8_t> samples(static_cast<std::size_t>(pixels.elements()));
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<std::uint8_t>(quantised(pixels.data()[i], 255));
  image_.use_argb = lossless ? 1 : 0;
  image_.width = width;
  image_.height = height;
  const auto import = channels == 4 ? WebPPictureImportRGBA : WebPPictureImportRGB;
  filled_ = import(&image_, samples.data(), width * channels) != 0;
}

Result<std::vector<std::byte>> webp_with_chunks(const WebPData& image,
                                                std::span<const std::byte> exif,
                                                std::span<const std::byte> profile) {
  if (exif.empty() && profile.empty()) return copied(image);
  const std::unique_ptr<WebPMux, DeleteMux> mux(WebPMuxCreate(&image, 0));
  if (mux == nullptr) return webp_out_of_memory();
  bool done = true;
  for (const auto& [name, body] : {std::pair("EXIF", exif), std::pair("ICCP", profile)}) {
    if (body.empty()) continue;
    const WebPData chunk = {reinterpret_cast<const std::uint8_t*>(body.data()), body.size()};
    done = done && WebPMuxSetChunk(mux.get(), name, &chunk, 0) == WEBP_MUX_OK;
  }
  OwnedWebpData file;
  if (!done || WebPMuxAssemble(mux.get(), &file) != WEBP_MUX_OK) return webp_out_of_memory();
  return copied(file);
}

Result<std::vector<std::byte>> encode_webp(const Tensor& pixels, const ImageMetadata& metadata,
                                           const WebpOptions& options) {
  OBSCURA_TRY(check_webp_size(pixels.shape()[0], pixels.shape()[1]));
  const WebPConfig config = webp_config(options.lossless, options.quality);
  WebpImage image(pixels, options.lossless);
  // Owns the bytes that libwebp appends to.
  struct Writer : WebPMemoryWriter {
    Writer() : WebPMemoryWriter{} { WebPMemoryWriterInit(this); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() { WebPMemoryWriterClear(this); }
  } writer;
  image.get()->writer = WebPMemoryWrite;
  image.get()->custom_ptr = static_cast<WebPMemoryWriter*>(&writer);
  if (!image.is_filled() || WebPEncode(&config, image.get()) == 0) return webp_out_of_memory();
  const ExifBlock exif = write_exif(metadata, std::size_t{1} << 30);
  return webp_with_chunks({writer.mem, writer.size}, exif.bytes, options.profile);
}

}  // namespace obscura::io
