// The images of a request, stored in the project's input folder.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "server/jobs/service_parts.h"
#include "workflows/a1111_request.h"

namespace obscura::server {

class RequestImages final : public workflows::A1111Images {
 public:
  // `parts` is borrowed.
  RequestImages(const ServiceParts& parts, std::string project)
      : parts_(parts), project_(std::move(project)) {}

  // Under its digest, so that the same image is stored once.
  Result<std::string> store(std::string_view image) override;
  Result<std::string> store_filled(std::string_view image, std::string_view mask,
                                   bool invert) override;
  Result<workflows::A1111Box> mask_box(std::string_view mask, bool invert, int padding,
                                       double aspect) override;

 private:
  Result<std::string> keep(std::string_view png, std::string_view digested) const;
  const ServiceParts& parts_;
  std::string project_;
};

}  // namespace obscura::server
