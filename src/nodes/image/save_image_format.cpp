// SaveImageFormat: images in the formats that the web, print and compositing want.
#include "graph/node_registry.h"
#include "graph/workflow.h"
#include "io/exr.h"
#include "io/jpeg.h"
#include "io/png.h"
#include "io/tiff.h"
#include "io/webp.h"
#include "library/input_folder.h"
#include "nodes/image/save_images.h"
#include "nodes/saving.h"
#include "nodes/sockets.h"
#include "workflows/upstream.h"

namespace obscura::nodes {
namespace {

using namespace graph;

struct FormatSettings {
  int quality = 95;
  io::ColourProfile profile;  // in which the pixels are
};

struct Format {
  std::string_view name;
  const char* extension;
  Result<library::EncodedImage> (*encode)(const Tensor&, const io::ImageMetadata&,
                                          const FormatSettings&);
};

Result<library::EncodedImage> whole(Result<std::vector<std::byte>> bytes) {
  if (!bytes.ok()) return bytes.error();
  return library::EncodedImage{std::move(*bytes), {}};
}

template <int bits>
Result<library::EncodedImage> as_png(const Tensor& pixels, const io::ImageMetadata& texts,
                                     const FormatSettings& settings) {
  return whole(io::encode_png(pixels, texts, {.bits = bits, .profile = settings.profile}));
}

Result<library::EncodedImage> as_jpeg(const Tensor& pixels, const io::ImageMetadata& texts,
                                      const FormatSettings& settings) {
  io::JpegFile file =
      io::encode_jpeg(pixels, texts, {.quality = settings.quality, .profile = settings.profile});
  return library::EncodedImage{std::move(file.bytes), std::move(file.left_out)};
}

template <bool lossless>
Result<library::EncodedImage> as_webp(const Tensor& pixels, const io::ImageMetadata& texts,
                                      const FormatSettings& settings) {
  return whole(io::encode_webp(
      pixels, texts,
      {.quality = settings.quality, .lossless = lossless, .profile = settings.profile}));
}

template <io::TiffSample sample>
Result<library::EncodedImage> as_tiff(const Tensor& pixels, const io::ImageMetadata& texts,
                                      const FormatSettings& settings) {
  return whole(io::encode_tiff(pixels, texts, {.sample = sample, .profile = settings.profile}));
}

// The validation hook has seen to it that there is no profile.
template <io::ExrSample sample>
Result<library::EncodedImage> as_exr(const Tensor& pixels, const io::ImageMetadata& texts,
                                     const FormatSettings&) {
  return whole(io::encode_exr(pixels, texts, sample));
}

constexpr Format kFormats[] = {{"png, 16 bits", "png", as_png<16>},
                               {"tiff, 8 bits", "tif", as_tiff<io::TiffSample::kUint8>},
                               {"tiff, 16 bits", "tif", as_tiff<io::TiffSample::kUint16>},
                               {"tiff, float", "tif", as_tiff<io::TiffSample::kFloat32>},
                               {"exr, half", "exr", as_exr<io::ExrSample::kHalf>},
                               {"exr, float", "exr", as_exr<io::ExrSample::kFloat>},
                               {"png, 8 bits", "png", as_png<8>},
                               {"jpeg", "jpg", as_jpeg},
                               {"webp", "webp", as_webp<false>},
                               {"webp, lossless", "webp", as_webp<true>}};

struct TextChoice {
  std::string_view name;
  ImageTexts texts;
};
constexpr TextChoice kTextChoices[] = {{"workflow and parameters", ImageTexts::kAll},
                                       {"workflow", ImageTexts::kWorkflow},
                                       {"parameters", ImageTexts::kParameters},
                                       {"none", ImageTexts::kNone}};

// The names of a table's rows.
template <class Row, std::size_t count>
std::vector<std::string> names_of(const Row (&rows)[count]) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.emplace_back(row.name);
  return names;
}
template <class Row, std::size_t count>
const Row& row_called(const Row (&rows)[count], std::string_view name) {
  for (const Row& row : rows)
    if (row.name == name) return row;
  return rows[0];
}

constexpr const char* kNoProfile = "none";
constexpr const char* kProfileOfInput = "of the input picture";

std::vector<std::string> profile_names() {
  std::vector<std::string> names = {kNoProfile};
  for (std::string_view name : io::builtin_profile_names()) names.emplace_back(name);
  names.emplace_back(kProfileOfInput);
  return names;
}

// Of the nearest image that the saved one was made from; empty if it was made from none, or from
// one without a profile for RGB.
Result<io::ColourProfile> profile_of_input(const NodeCall& call) {
  OBSCURA_ASSIGN(Workflow workflow, Workflow::from_json(call.prompt()));
  for (const Workflow::Node* node : workflows::upstream(workflow, call.node().id)) {
    const auto* name = node->type() == "LoadImage" ? workflows::constant(*node, "image") : nullptr;
    if (name == nullptr || !name->is_string()) continue;
    OBSCURA_ASSIGN(io::Image image,
                   call.environment<library::InputFolder>().read(name->get<std::string>()));
    return std::move(image.profile);
  }
  return io::ColourProfile();
}

Result<io::ColourProfile> profile_called(const NodeCall& call, const std::string& name) {
  if (name == kNoProfile) return io::ColourProfile();
  if (name == kProfileOfInput) return profile_of_input(call);
  return io::builtin_profile(name);
}

Status validate_save_image_format(const NodeInputs& inputs, const Environment& environment) {
  const bool exr = inputs.has("format") && inputs.get<std::string>("format").starts_with("exr");
  if (exr && inputs.get_or<std::string>("profile", kNoProfile) != kNoProfile) {
    return Error(ErrorKind::kInvalidInput,
                 "input \"profile\": OpenEXR states colours by primaries, not by a profile; choose "
                 "\"none\", or another format");
  }
  return validate_filename_prefix(inputs, environment);
}

Result<NodeResult> run_save_image_format(NodeCall& call) {
  const Format& format = row_called(kFormats, call.get<std::string>("format"));
  const auto& texts = row_called(kTextChoices, call.get<std::string>("metadata"));
  FormatSettings settings{.quality = static_cast<int>(call.get<std::int64_t>("quality"))};
  OBSCURA_ASSIGN(settings.profile, profile_called(call, call.get<std::string>("profile")));
  ImageSaving saving{.prefix = call.get<std::string>("filename_prefix"),
                     .texts = texts.texts,
                     .extension = format.extension};
  saving.encode = [settings, encode = format.encode](
                      const Tensor& pixels,
                      const io::ImageMetadata& metadata) -> Result<library::EncodedImage> {
    if (settings.profile.empty()) return encode(pixels, metadata, settings);
    OBSCURA_ASSIGN(Tensor converted, io::converted_from_srgb(pixels, settings.profile));
    return encode(converted, metadata, settings);
  };
  return save_images(call, pixels_of(call, "images"), saving);
}

const RegisterNode kSaveImageFormat{
    saving_node(
        NodeType("SaveImageFormat")
            .label("Save Image (Format)")
            .category("image")
            .description(
                "Writes images as PNG, JPEG, WebP or TIFF with up to 16 bits or floats, and "
                "as OpenEXR, whose numbers are proportional to light; with a colour profile if "
                "wanted. Workflow and recipe are inside.")
            .input(socket("images", "IMAGE").tooltip("The images."))
            .input(text("filename_prefix", "Obscura").tooltip("As SaveImage's."))
            .input(choice("format", names_of(kFormats)))
            .optional(
                integer("quality", 95)
                    .range(1, 100)
                    .tooltip(
                        "Of JPEG and WebP. Without loss it is how long to look for a small file."))
            .optional(
                choice("profile", profile_names())
                    .default_value(kNoProfile)
                    .tooltip("The colour space to convert to, whose profile is put inside. Without "
                             "one the numbers are sRGB."))
            .optional(choice("metadata", names_of(kTextChoices))
                          .default_value("workflow and parameters")
                          .tooltip("What the file tells of how it was made: ComfyUI's workflow, "
                                   "AUTOMATIC1111's parameters.")))
        .validate(validate_save_image_format)
        .run(run_save_image_format)};

}  // namespace
}  // namespace obscura::nodes
