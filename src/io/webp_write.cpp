#include <fmt/format.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include <cstdint>
#include <memory>

#include "io/exif.h"
#include "io/samples.h"
#include "io/webp.h"

namespace obscura::io {
namespace {

struct FreeWebp {
  void operator()(std::uint8_t* bytes) const { WebPFree(bytes); }
};
struct DeleteMux {
  void operator()(WebPMux* mux) const { WebPMuxDelete(mux); }
};
// What libwebp allocates in a WebPData, freed with it.
struct OwnedWebpData : WebPData {
  OwnedWebpData() : WebPData{} { WebPDataInit(this); }
  OwnedWebpData(const OwnedWebpData&) = delete;
  OwnedWebpData& operator=(const OwnedWebpData&) = delete;
  ~OwnedWebpData() { WebPDataClear(this); }
};

Error webp_out_of_memory() {
  return Error(ErrorKind::kOutOfMemory, "libwebp could not encode the picture");
}

std::vector<std::byte> copied(const std::uint8_t* bytes, std::size_t size) {
  const auto* first = reinterpret_cast<const std::byte*>(bytes);
  return {first, first + size};
}

WebPData view_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

// The picture in a container that has chunks for what is said about it.
Result<std::vector<std::byte>> with_chunks(const WebPData& picture,
                                           const std::vector<std::byte>& exif,
                                           std::span<const std::byte> profile) {
  const std::unique_ptr<WebPMux, DeleteMux> mux(WebPMuxNew());
  if (mux == nullptr) return webp_out_of_memory();
  bool done = WebPMuxSetImage(mux.get(), &picture, 0) == WEBP_MUX_OK;
  for (const auto& [name, body] :
       {std::pair<const char*, std::span<const std::byte>>("EXIF", exif),
        std::pair<const char*, std::span<const std::byte>>("ICCP", profile)}) {
    if (body.empty()) continue;
    const WebPData chunk = view_of(body);
    done = done && WebPMuxSetChunk(mux.get(), name, &chunk, 0) == WEBP_MUX_OK;
  }
  OwnedWebpData file;
  if (!done || WebPMuxAssemble(mux.get(), &file) != WEBP_MUX_OK) return webp_out_of_memory();
  return copied(file.bytes, file.size);
}

}  // namespace

Result<std::vector<std::byte>> encode_webp(const Tensor& pixels, const ImageMetadata& metadata,
                                           const WebpOptions& options) {
  const std::int64_t height = pixels.shape()[0], width = pixels.shape()[1],
                     channels = pixels.shape()[2];
  OBSCURA_CHECK(channels == 3 || channels == 4, "a picture has three or four channels");
  if (height > WEBP_MAX_DIMENSION || width > WEBP_MAX_DIMENSION) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("WebP holds at most {} pixels a side, found {}x{}", WEBP_MAX_DIMENSION,
                             width, height));
  }
  std::vector<std::uint8_t> samples(static_cast<std::size_t>(height * width * channels));
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<std::uint8_t>(quantised(pixels.data()[i], 255));
  WebPConfig config;
  bool sound =
      WebPConfigPreset(&config, WEBP_PRESET_DEFAULT, static_cast<float>(options.quality)) != 0;
  config.lossless = options.lossless ? 1 : 0;
  config.exact = config.lossless;  // also where nothing is seen
  WebPPicture picture;
  sound = sound && WebPPictureInit(&picture) != 0;
  OBSCURA_CHECK(sound, "libwebp's headers and library differ");
  picture.use_argb = config.lossless;
  picture.width = static_cast<int>(width);
  picture.height = static_cast<int>(height);
  WebPMemoryWriter writer;
  WebPMemoryWriterInit(&writer);
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer;
  const auto import = channels == 4 ? WebPPictureImportRGBA : WebPPictureImportRGB;
  const bool done = import(&picture, samples.data(), static_cast<int>(width * channels)) != 0 &&
                    WebPEncode(&config, &picture) != 0;
  WebPPictureFree(&picture);
  const std::unique_ptr<std::uint8_t, FreeWebp> bytes(writer.mem);
  if (!done) return webp_out_of_memory();
  const ExifBlock exif = write_exif(metadata, std::size_t{1} << 30);
  if (exif.bytes.empty() && options.profile.empty()) return copied(writer.mem, writer.size);
  return with_chunks({writer.mem, writer.size}, exif.bytes, options.profile);
}

}  // namespace obscura::io
