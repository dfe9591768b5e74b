#include "runtime/lost_device.h"

#include <utility>

namespace obscura::runtime {
namespace {

class LostDevice final : public backend::Device {
 public:
  LostDevice(backend::DeviceDescription description, Error why)
      : description_(std::move(description)), why_(std::move(why)) {}

  backend::DeviceDescription describe() const override { return description_; }
  Result<ir::Graph> rewrite(ir::Graph) override { return why_; }
  Result<std::unique_ptr<backend::Executable>> lower(ir::Graph) override { return why_; }
  Result<backend::MemoryPtr> allocate(std::size_t) override { return why_; }
  std::size_t arena_bytes() const override { return 0; }
  std::size_t weight_bytes() const override { return 0; }
  void release_arena() override {}

 private:
  backend::DeviceDescription description_;
  Error why_;
};

}  // namespace

std::unique_ptr<backend::Device> lost_device(backend::DeviceDescription description, Error why) {
  return std::make_unique<LostDevice>(std::move(description), std::move(why));
}

}  // namespace obscura::runtime
