// /view and /upload: images out and in.
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/files.h"
#include "graph/json_text.h"
#include "server/comfyui/routes.h"
#include "server/net/multipart.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

std::string parameter_or(const Request& request, const char* name, const char* otherwise) {
  const std::string* given = request.parameter(name);
  return given == nullptr ? otherwise : *given;
}

std::string joined(const std::string& subfolder, const std::string& name) {
  return subfolder.empty() ? name : subfolder + "/" + name;
}

// Cuts " [output]" and the like off the name; they outrank `type`.
void read_annotation(std::string& name, std::string& type) {
  for (const char* word : {"input", "output", "temp"}) {
    const std::string ending = std::string(" [") + word + "]";
    if (!name.ends_with(ending)) continue;
    name.resize(name.size() - ending.size());
    type = word;
  }
}

// What "preview=webp;75" and "channel=rgb" ask for; none if the file is wanted as it is.
std::optional<ImageRequest> conversion_of(const Request& request) {
  const std::string* preview = request.parameter("preview");
  const std::string* channel = request.parameter("channel");
  ImageRequest wanted{.format = "png"};
  if (channel != nullptr && (*channel == "rgb" || *channel == "a")) wanted.channel = *channel;
  if (preview != nullptr) {
    wanted.format = preview->starts_with("jpeg") ? "jpeg" : "webp";
    const std::size_t mark = preview->find(';');
    const int quality = mark == std::string::npos ? 90 : std::atoi(preview->c_str() + mark + 1);
    wanted.quality = std::clamp(quality, 1, 100);
  }
  const bool as_it_is = preview == nullptr && wanted.channel == "rgba";
  return as_it_is ? std::nullopt : std::optional(wanted);
}

Response converted(const ServiceParts& parts, const std::filesystem::path& path,
                   const ImageRequest& wanted) {
  auto file = read_file(path, kMostImageBytes);
  if (!file.ok()) return error_response(file.error());
  auto image = parts.studio.convert(*file, wanted);
  if (!image.ok()) return error_response(image.error());
  Response response;
  response.type = "image/" + std::string(wanted.format);
  response.body = std::move(image).value();
  return response;
}

Response get_view(const ServiceParts& parts, const Request& request) {
  std::string name = parameter_or(request, "filename", "");
  std::string type = parameter_or(request, "type", "output");
  read_annotation(name, type);
  const ProjectFolders folders = parts.folders(request);
  const FileArea* area = folders.area(type);
  if (area == nullptr) return error_response(400, "type: wanted input, output or temp");
  auto path = area->find(joined(parameter_or(request, "subfolder", ""), name));
  if (!path.ok()) return error_response(path.error());
  if (const auto wanted = conversion_of(request)) return converted(parts, *path, *wanted);
  Response response;
  response.type = media_type(*path);
  response.file = std::move(path).value();
  if (response.type == "application/octet-stream") {
    response.headers.emplace_back("Content-Disposition", "attachment");
  }
  return response;
}

struct Upload {
  std::vector<FormPart> parts;
  std::string type, subfolder, name;
  std::string_view content;
  bool overwrite = false;
};

std::string field_or(const std::vector<FormPart>& parts, const char* name, const char* otherwise) {
  const FormPart* part = find_part(parts, name);
  return part == nullptr ? otherwise : std::string(part->content);
}

Result<Upload> parse_upload(const Request& request) {
  Upload upload;
  OBSCURA_ASSIGN(upload.parts, parse_form(request.header("content-type"), request.body));
  const FormPart* image = find_part(upload.parts, "image");
  if (image == nullptr || image->filename.empty()) {
    return Error(ErrorKind::kInvalidInput, "wanted a file in the form's field 'image'");
  }
  upload.name = image->filename;
  upload.content = image->content;
  upload.type = field_or(upload.parts, "type", "input");
  upload.subfolder = field_or(upload.parts, "subfolder", "");
  const std::string overwrite = field_or(upload.parts, "overwrite", "");
  upload.overwrite = overwrite == "true" || overwrite == "1";
  return upload;
}

Response store_upload(const ServiceParts& parts, const Request& request, const Upload& upload,
                      std::string_view content) {
  const ProjectFolders folders = parts.folders(request);
  const FileArea* area = folders.area(upload.type);
  if (area == nullptr) return error_response(400, "type: wanted input, output or temp");
  auto name = area->store(upload.subfolder, upload.name, content, upload.overwrite);
  if (!name.ok()) return error_response(name.error());
  return respond({{"name", *name}, {"subfolder", upload.subfolder}, {"type", upload.type}});
}

Response upload_image(const ServiceParts& parts, const Request& request) {
  auto upload = parse_upload(request);
  if (!upload.ok()) return error_response(upload.error());
  return store_upload(parts, request, *upload, upload->content);
}

// The image that a mask belongs to: {"filename", "subfolder", "type"}.
Result<std::filesystem::path> find_original(const ServiceParts& parts, const Request& request,
                                            const Upload& upload) {
  OBSCURA_ASSIGN(ordered_json reference,
                 graph::parse_json(field_or(upload.parts, "original_ref", "")));
  auto text = [&](const char* key, const char* otherwise) -> std::string {
    auto found = reference.is_object() ? reference.find(key) : reference.end();
    return reference.is_object() && found != reference.end() && found->is_string()
               ? found->get<std::string>()
               : otherwise;
  };
  const ProjectFolders folders = parts.folders(request);
  const FileArea* area = folders.area(text("type", "output"));
  if (area == nullptr) {
    return Error(ErrorKind::kInvalidInput, "original_ref: wanted the type input, output or temp");
  }
  return area->find(joined(text("subfolder", ""), text("filename", "")));
}

Response upload_mask(const ServiceParts& parts, const Request& request) {
  auto upload = parse_upload(request);
  if (!upload.ok()) return error_response(upload.error());
  auto original = find_original(parts, request, *upload);
  if (!original.ok()) return error_response(original.error());
  auto image = read_file(*original, kMostImageBytes);
  if (!image.ok()) return error_response(image.error());
  auto masked = parts.studio.with_alpha(*image, upload->content);
  if (!masked.ok()) return error_response(masked.error());
  return store_upload(parts, request, *upload, *masked);
}

}  // namespace

void add_image_routes(Router& router, ServiceParts& parts) {
  router.add("GET", "/view", [&parts](const Request& request, const Captures&) {
    return get_view(parts, request);
  });
  router.add("POST", "/upload/image", [&parts](const Request& request, const Captures&) {
    return upload_image(parts, request);
  });
  router.add("POST", "/upload/mask", [&parts](const Request& request, const Captures&) {
    return upload_mask(parts, request);
  });
}

}  // namespace obscura::server
