#include "backend/cuda/weight_upload.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/status.h"
#include "base/parallel.h"

namespace obscura::backend::cuda {
namespace {

constexpr std::size_t kBufferBytes = 32 << 20;
// What a thread copies at a time.
constexpr std::size_t kBlockBytes = 1 << 20;

}  // namespace

WeightUpload::~WeightUpload() {
  // The bus may still read from the buffers.
  cudaStreamSynchronize(context_.compute);
  for (Buffer& buffer : buffers_) {
    if (buffer.sent != nullptr) cudaEventDestroy(buffer.sent);
  }
}

std::size_t WeightUpload::scratch_bytes(const ir::Value& value) {
  auto parts = reader_.stored(*value.weight);
  if (parts.empty()) return static_cast<std::size_t>(value.type.shape.elements()) * sizeof(float);
  std::size_t most = 0;
  for (const auto& part : parts) {
    if (part.dtype != value.type.dtype) most = std::max(most, part.bytes.size());
  }
  return most;
}

Status WeightUpload::send(std::span<const std::byte> bytes, std::byte* target) {
  for (std::size_t begin = 0; begin < bytes.size(); begin += kBufferBytes) {
    Buffer& buffer = buffers_[next_];
    next_ = 1 - next_;
    if (buffer.sent == nullptr) {
      OBSCURA_ASSIGN(buffer.memory, PinnedMemory::allocate(kBufferBytes));
      OBSCURA_TRY(
          check(cudaEventCreateWithFlags(&buffer.sent, cudaEventDisableTiming), "making an event"));
    } else {
      OBSCURA_TRY(check(cudaEventSynchronize(buffer.sent), "uploading weights"));
    }
    std::size_t count = std::min(kBufferBytes, bytes.size() - begin);
    const std::byte* source = bytes.data() + begin;
    auto copy = [&](std::int64_t block) {
      std::size_t first = static_cast<std::size_t>(block) * kBlockBytes;
      std::memcpy(buffer.memory.data() + first, source + first,
                  std::min(kBlockBytes, count - first));
    };
    if (count <= kBlockBytes) {
      copy(0);
    } else {
      parallel_for(static_cast<std::int64_t>((count + kBlockBytes - 1) / kBlockBytes), copy);
    }
    OBSCURA_TRY(check(cudaMemcpyAsync(target + begin, buffer.memory.data(), count,
                                      cudaMemcpyHostToDevice, context_.compute),
                      "uploading weights"));
    OBSCURA_TRY(check(cudaEventRecord(buffer.sent, context_.compute), "uploading weights"));
  }
  return {};
}

Status WeightUpload::read(const ir::Value& value, std::byte* target, std::byte* scratch) {
  DType dtype = value.type.dtype;
  auto parts = reader_.stored(*value.weight);
  if (parts.empty()) {
    std::vector<float> plain(static_cast<std::size_t>(value.type.shape.elements()));
    OBSCURA_TRY(reader_.read(*value.weight, plain.data()));
    OBSCURA_TRY(send(std::as_bytes(std::span(plain)), scratch));
    return check(
        convert(DType::kF32, scratch, dtype, target, value.type.shape.elements(), context_.compute),
        "converting a weight");
  }
  std::size_t total = 0;
  for (const auto& part : parts) {
    std::size_t count = part.bytes.size() / size_of(part.dtype);
    OBSCURA_CHECK(total + count <= static_cast<std::size_t>(value.type.shape.elements()),
                  "the parts of " + value.weight->text() + " are larger than the whole");
    std::byte* place = target + total * size_of(dtype);
    if (part.dtype == dtype) {
      OBSCURA_TRY(send(part.bytes, place));
    } else {
      OBSCURA_TRY(send(part.bytes, scratch));
      OBSCURA_TRY(check(convert(part.dtype, scratch, dtype, place, static_cast<std::int64_t>(count),
                                context_.compute),
                        "converting a weight"));
    }
    total += count;
  }
  return reader_.done_with(parts);
}

}  // namespace obscura::backend::cuda
