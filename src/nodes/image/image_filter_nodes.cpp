// Filters of single pictures, and blending of two.
#include <algorithm>
#include <cmath>

#include "graph/node_registry.h"
#include "image/channels.h"
#include "image/mask.h"
#include "image/raster.h"
#include "nodes/sockets.h"
#include "tensor/random.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

const Tensor& image_filter_image_of(const NodeCall& call, const char* input = "image") {
  return call.get<Image>(input).pixels;
}

NodeResult clipped(Tensor image) {
  for (float& value : image.values()) value = std::clamp(value, 0.0f, 1.0f);
  return NodeResult{image_value(std::move(image))};
}

Result<NodeResult> image_filter_add_noise(NodeCall& call) {
  Tensor image = image_filter_image_of(call).clone();
  TorchGenerator generator(call.get<std::uint64_t>("seed"));
  Tensor noise = generator.randn(image.shape());
  const auto strength = static_cast<float>(call.get<double>("strength"));
  for (std::int64_t i = 0; i < image.elements(); ++i) image.data()[i] += strength * noise.data()[i];
  return clipped(std::move(image));
}

// W3C's soft light.
float soft_light(float a, float b) {
  if (b <= 0.5f) return a - (1 - 2 * b) * a * (1 - a);
  float g = a <= 0.25f ? ((16 * a - 12) * a + 4) * a : std::sqrt(a);
  return a + (2 * b - 1) * (g - a);
}

using BlendFunction = float (*)(float, float);

BlendFunction blend_function(const std::string& mode) {
  if (mode == "multiply") return [](float a, float b) { return a * b; };
  if (mode == "screen") return [](float a, float b) { return 1 - (1 - a) * (1 - b); };
  if (mode == "overlay")
    return [](float a, float b) { return a <= 0.5f ? 2 * a * b : 1 - 2 * (1 - a) * (1 - b); };
  if (mode == "soft_light") return soft_light;
  if (mode == "difference") return [](float a, float b) { return a - b; };
  return [](float, float b) { return b; };
}

Result<NodeResult> image_filter_blend(NodeCall& call) {
  const Tensor& first = image_filter_image_of(call, "image1");
  const Shape& s = first.shape();
  Tensor second = image::with_channels(image_filter_image_of(call, "image2"), s[3]);
  if (second.shape()[1] != s[1] || second.shape()[2] != s[2])
    second = resize_image(second, s[2], s[1], ResizeMethod::kBicubic, ResizeCrop::kCenter);
  second = image::repeated_to(second, s[0]);
  const auto share = static_cast<float>(call.get<double>("blend_factor"));
  const BlendFunction mixed = blend_function(call.get<std::string>("blend_mode"));
  Tensor result(s);
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    float a = first.data()[i];
    result.data()[i] = a * (1 - share) + mixed(a, second.data()[i]) * share;
  }
  return clipped(std::move(result));
}

Result<Tensor> filtered(const NodeCall& call, const char* radius_input, double alpha) {
  const Tensor& image = image_filter_image_of(call);
  const auto radius = call.get<std::int64_t>(radius_input);
  const Shape& s = image.shape();
  if (radius >= s[1] || radius >= s[2]) {
    return Error(ErrorKind::kInvalidInput, std::string("input \"") + radius_input +
                                               "\": wanted less than the picture's sides, found " +
                                               std::to_string(radius) + " for a picture of " +
                                               std::to_string(s[2]) + "x" + std::to_string(s[1]));
  }
  const auto sigma = call.get<double>("sigma");
  return image_of_planes(image::convolved(planes_of_image(image),
                                          alpha == 0
                                              ? image::gaussian_kernel(radius, sigma)
                                              : image::sharpening_kernel(radius, sigma, alpha),
                                          radius));
}

Result<NodeResult> blur(NodeCall& call) {
  OBSCURA_ASSIGN(Tensor blurred, filtered(call, "blur_radius", 0));
  return NodeResult{image_value(std::move(blurred))};
}

Result<NodeResult> image_filter_sharpen(NodeCall& call) {
  const auto alpha = call.get<double>("alpha");
  if (alpha == 0) return NodeResult{call.value("image")};
  OBSCURA_ASSIGN(Tensor sharpened, filtered(call, "sharpen_radius", alpha));
  return clipped(std::move(sharpened));
}

Tensor negated(const Tensor& tensor) {
  Tensor result = tensor.clone();
  for (float& value : result.values()) value = -value;
  return result;
}

Tensor difference(const Tensor& a, const Tensor& b) {
  Tensor result = a.clone();
  for (std::int64_t i = 0; i < a.elements(); ++i) result.data()[i] -= b.data()[i];
  return result;
}

// With a square window, whatever lies outside the picture not counted.
Result<NodeResult> morphology(NodeCall& call) {
  const auto& operation = call.get<std::string>("operation");
  const auto size = call.get<std::int64_t>("kernel_size");
  const std::int64_t before = size / 2, after = size - 1 - size / 2;
  const Tensor planes = planes_of_image(image_filter_image_of(call));
  const Shape& s = planes.shape();
  const Tensor image = planes.reshaped({s[0] * s[1], s[2], s[3]});
  auto dilated = [&](const Tensor& tensor) { return image::dilate(tensor, before, after); };
  auto eroded = [&](const Tensor& tensor) {
    return negated(image::dilate(negated(tensor), before, after));
  };
  Tensor result = operation == "erode"        ? eroded(image)
                  : operation == "dilate"     ? dilated(image)
                  : operation == "open"       ? dilated(eroded(image))
                  : operation == "close"      ? eroded(dilated(image))
                  : operation == "gradient"   ? difference(dilated(image), eroded(image))
                  : operation == "bottom_hat" ? difference(eroded(dilated(image)), image)
                                              : difference(image, dilated(eroded(image)));
  return NodeResult{image_value(image_of_planes(result.reshaped(s)))};
}

// ITU-R BT.601 luma and two differences of colour around 0.5, with the rounded factors of JPEG's
// predecessors that ComfyUI's library uses.
Result<NodeResult> to_yuv(NodeCall& call) {
  const Tensor image = image::with_channels(image_filter_image_of(call), 3);
  std::vector<Tensor> parts(3, Tensor());
  for (Tensor& part : parts) part = Tensor(image.shape());
  for (std::int64_t i = 0; i < image.elements(); i += 3) {
    const float* rgb = image.data() + i;
    float y = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    const float yuv[] = {y, (rgb[2] - y) * 0.564f + 0.5f, (rgb[0] - y) * 0.713f + 0.5f};
    for (std::size_t k = 0; k < 3; ++k) std::fill_n(parts[k].data() + i, 3, yuv[k]);
  }
  return NodeResult{image_value(parts[0]), image_value(parts[1]), image_value(parts[2])};
}

float mean_channel(const Tensor& image, std::int64_t pixel) {
  const std::int64_t channels = image.shape()[3];
  float sum = 0;
  for (std::int64_t c = 0; c < channels; ++c) sum += image.data()[pixel * channels + c];
  return sum / static_cast<float>(channels);
}

Result<NodeResult> from_yuv(NodeCall& call) {
  const Tensor &y = image_filter_image_of(call, "Y"), &u = image_filter_image_of(call, "U"),
               &v = image_filter_image_of(call, "V");
  const Shape& s = y.shape();
  for (const Tensor* part : {&u, &v}) {
    const Shape& p = part->shape();
    if (p[0] == s[0] && p[1] == s[1] && p[2] == s[2]) continue;
    return Error(ErrorKind::kInvalidInput,
                 "wanted Y, U and V of one size, found " + s.text() + " and " + p.text());
  }
  Tensor image(Shape{s[0], s[1], s[2], 3});
  for (std::int64_t i = 0; i < s[0] * s[1] * s[2]; ++i) {
    float luma = mean_channel(y, i), blue = mean_channel(u, i) - 0.5f,
          red = mean_channel(v, i) - 0.5f;
    float* rgb = image.data() + i * 3;
    rgb[0] = luma + 1.403f * red;
    rgb[1] = luma - 0.714f * red - 0.344f * blue;
    rgb[2] = luma + 1.773f * blue;
  }
  return NodeResult{image_value(std::move(image))};
}

Result<NodeResult> image_filter_composite_masked(NodeCall& call) {
  const Tensor& destination = image_filter_image_of(call, "destination");
  const Tensor source =
      image::with_channels(image_filter_image_of(call, "source"), destination.shape()[3]);
  const auto* mask = call.find<Mask>("mask");
  return NodeResult{image_value(image_of_planes(image::composite(
      planes_of_image(destination), planes_of_image(source), mask ? mask->values : Tensor(),
      {.x = call.get<std::int64_t>("x"),
       .y = call.get<std::int64_t>("y"),
       .resize = call.get<bool>("resize_source")})))};
}

const RegisterNode kImageAddNoise{
    NodeType("ImageAddNoise")
        .label("Add Noise to Image")
        .category("image")
        .description("Adds noise to pictures.")
        .input(socket("image", "IMAGE"))
        .input(integer("seed", 0).range(0, kMaxSeed).control_after_generate())
        .input(number("strength", 0.5).range(0.0, 1.0).step(0.01))
        .output("IMAGE")
        .run(image_filter_add_noise)};

const RegisterNode kImageBlend{
    NodeType("ImageBlend")
        .label("Image Blend")
        .category("image/postprocessing")
        .description("Mixes two pictures.")
        .input(socket("image1", "IMAGE"))
        .input(socket("image2", "IMAGE"))
        .input(number("blend_factor", 0.5).range(0.0, 1.0).step(0.01))
        .input(choice("blend_mode",
                      {"normal", "multiply", "screen", "overlay", "soft_light", "difference"}))
        .output("IMAGE")
        .run(image_filter_blend)};

const RegisterNode kImageBlur{NodeType("ImageBlur")
                                  .label("Image Blur")
                                  .category("image/postprocessing")
                                  .description("Blurs pictures.")
                                  .input(socket("image", "IMAGE"))
                                  .input(integer("blur_radius", 1).range(1, 31).step(1))
                                  .input(number("sigma", 1.0).range(0.1, 10.0).step(0.1))
                                  .output("IMAGE")
                                  .run(blur)};

const RegisterNode kImageSharpen{NodeType("ImageSharpen")
                                     .label("Image Sharpen")
                                     .category("image/postprocessing")
                                     .description("Sharpens pictures.")
                                     .input(socket("image", "IMAGE"))
                                     .input(integer("sharpen_radius", 1).range(1, 31).step(1))
                                     .input(number("sigma", 1.0).range(0.1, 10.0).step(0.01))
                                     .input(number("alpha", 1.0).range(0.0, 5.0).step(0.01))
                                     .output("IMAGE")
                                     .run(image_filter_sharpen)};

const RegisterNode kMorphology{
    NodeType("Morphology")
        .label("ImageMorphology")
        .category("image/postprocessing")
        .description("Grows or shrinks what is light, and what follows from that.")
        .input(socket("image", "IMAGE"))
        .input(choice("operation",
                      {"erode", "dilate", "open", "close", "gradient", "bottom_hat", "top_hat"}))
        .input(integer("kernel_size", 3).range(3, 999).step(1))
        .output("IMAGE")
        .run(morphology)};

const RegisterNode kImageRGBToYUV{
    NodeType("ImageRGBToYUV")
        .label("ImageRGBToYUV")
        .category("image/batch")
        .description("Takes pictures apart into brightness and two differences of colour.")
        .input(socket("image", "IMAGE"))
        .output("IMAGE", "Y")
        .output("IMAGE", "U")
        .output("IMAGE", "V")
        .run(to_yuv)};

const RegisterNode kImageYUVToRGB{
    NodeType("ImageYUVToRGB")
        .label("ImageYUVToRGB")
        .category("image/batch")
        .description("Puts brightness and two differences of colour together again.")
        .input(socket("Y", "IMAGE"))
        .input(socket("U", "IMAGE"))
        .input(socket("V", "IMAGE"))
        .output("IMAGE")
        .run(from_yuv)};

const RegisterNode kImageCompositeMasked{
    NodeType("ImageCompositeMasked")
        .label("ImageCompositeMasked")
        .category("image")
        .description("Lays one picture over another where a mask says.")
        .input(socket("destination", "IMAGE"))
        .input(socket("source", "IMAGE"))
        .input(integer("x", 0).range(0, 16384).step(1))
        .input(integer("y", 0).range(0, 16384).step(1))
        .input(toggle("resize_source", false))
        .optional(socket("mask", "MASK"))
        .output("IMAGE")
        .run(image_filter_composite_masked)};

}  // namespace
}  // namespace obscura::nodes
