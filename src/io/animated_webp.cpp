#include <memory>

#include "base/check.h"
#include "io/animation.h"
#include "io/exif.h"
#include "io/webp_session.h"

namespace obscura::io {
namespace {

struct DeleteAnimEncoder {
  void operator()(WebPAnimEncoder* encoder) const { WebPAnimEncoderDelete(encoder); }
};

}  // namespace

Result<std::vector<std::byte>> encode_animated_webp(const Tensor& frames,
                                                    const ImageMetadata& metadata,
                                                    const AnimatedWebpOptions& options) {
  const Shape& s = frames.shape();
  OBSCURA_CHECK(s.rank() == 4 && s[0] > 0, "an animation wants (B, H, W, C), got " + s.text());
  OBSCURA_TRY(check_webp_size(s[1], s[2]));
  WebPAnimEncoderOptions looping;
  OBSCURA_CHECK(WebPAnimEncoderOptionsInit(&looping) != 0, "libwebp's headers and library differ");
  const std::unique_ptr<WebPAnimEncoder, DeleteAnimEncoder> encoder(
      WebPAnimEncoderNew(static_cast<int>(s[2]), static_cast<int>(s[1]), &looping));
  if (encoder == nullptr) return webp_out_of_memory();
  const WebPConfig config =
      webp_config(options.lossless, options.quality, static_cast<int>(options.effort));
  int time = 0;
  for (std::int64_t i = 0; i < s[0]; ++i, time += options.milliseconds) {
    WebpImage image(frames.slice(i).reshaped({s[1], s[2], s[3]}), options.lossless);
    if (!image.is_filled() || WebPAnimEncoderAdd(encoder.get(), image.get(), time, &config) == 0)
      return webp_out_of_memory();
  }
  OwnedWebpData file;
  if (WebPAnimEncoderAdd(encoder.get(), nullptr, time, nullptr) == 0 ||
      WebPAnimEncoderAssemble(encoder.get(), &file) == 0)
    return webp_out_of_memory();
  return webp_with_chunks(file, write_exif(metadata, std::size_t{1} << 30).bytes, {});
}

}  // namespace obscura::io
