#include "adapter/factors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "adapter/matrix_product.h"

namespace obscura::adapter {
namespace {

template <class T>
double load(const io::TensorEntry& entry) {
  T value;
  std::memcpy(&value, entry.bytes.data(), sizeof(value));
  return static_cast<double>(value);
}

double load_number(const io::TensorEntry& entry) {
  switch (entry.dtype) {
    case DType::kF64:
      return load<double>(entry);
    case DType::kI64:
      return load<std::int64_t>(entry);
    case DType::kI32:
      return load<std::int32_t>(entry);
    case DType::kI16:
      return load<std::int16_t>(entry);
    case DType::kI8:
      return load<std::int8_t>(entry);
    case DType::kU8:
    case DType::kBool:
      return load<std::uint8_t>(entry);
    default: {
      float value = 0;
      widen_to_f32(entry.dtype, entry.bytes.data(), &value, 1);
      return value;
    }
  }
}

std::string text(const io::TensorEntry& entry) {
  return fmt::format("{} ({})", entry.name, entry.shape.text());
}

std::int64_t outer(const io::TensorEntry& entry) {
  return entry.shape.rank() == 0 ? 1 : entry.shape[0];
}

}  // namespace

Error ModuleReader::corrupt(const std::string& message) const {
  return Error(ErrorKind::kCorrupt,
               fmt::format("adapter {}, module {}: {}", adapter_.name(), module_.stem, message));
}

Error ModuleReader::unfitting(const std::string& found, const WeightShape& weight) const {
  return Error(ErrorKind::kInvalidInput,
               fmt::format("adapter {}, module {}: {}, the model's weight is {}", adapter_.name(),
                           module_.stem, found, weight.shape.text()));
}

Result<const io::TensorEntry*> ModuleReader::take(Role role) {
  const io::TensorEntry* entry = module_.find(role);
  if (entry == nullptr) return entry;
  taken_.insert(role);
  if (!is_floating(entry->dtype)) {
    return corrupt(entry->name + " should hold numbers with a fraction, is " +
                   std::string(name_of(entry->dtype)));
  }
  if (entry->shape.elements() == 0) return corrupt(text(*entry) + " holds nothing");
  return entry;
}

Result<const io::TensorEntry*> ModuleReader::require(Role role, const char* role_name) {
  if (!has(role)) return corrupt(std::string("has no ") + role_name);
  return take(role);
}

Result<std::optional<double>> ModuleReader::take_number(Role role) {
  const io::TensorEntry* entry = module_.find(role);
  if (entry == nullptr) return std::optional<double>();
  taken_.insert(role);
  if (entry->shape.elements() != 1) return corrupt(text(*entry) + " should be one number");
  double value = load_number(*entry);
  if (!std::isfinite(value))
    return corrupt(fmt::format("{} should be a finite number, is {}", entry->name, value));
  return std::optional<double>(value);
}

Result<double> ModuleReader::take_scale(std::int64_t rank) {
  OBSCURA_ASSIGN(std::optional<double> scale, take_number(Role::kScale));
  OBSCURA_ASSIGN(std::optional<double> alpha, take_number(Role::kAlpha));
  if (scale) return *scale;
  if (alpha) return *alpha / static_cast<double>(rank);
  return adapter_.metadata_scale(module_.stem, static_cast<double>(rank));
}

std::vector<const io::TensorEntry*> ModuleReader::untaken() const {
  std::vector<const io::TensorEntry*> result;
  for (const auto& [role, entry] : module_.tensors)
    if (!taken_.contains(role)) result.push_back(entry);
  return result;
}

Result<std::vector<float>> finite_values(const io::TensorEntry& entry) {
  std::vector<float> values(static_cast<std::size_t>(entry.shape.elements()));
  widen_to_f32(entry.dtype, entry.bytes.data(), values.data(), values.size());
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
    return Error(ErrorKind::kCorrupt,
                 "the adapter's tensor " + entry.name + " holds a NaN or an infinity");
  }
  return values;
}

Result<LowRankMatrix> LowRankMatrix::make(const ModuleReader& module, const io::TensorEntry* up,
                                          const io::TensorEntry* down, const io::TensorEntry* core,
                                          bool up_transposed) {
  LowRankMatrix matrix;
  matrix.up_ = up;
  matrix.down_ = down;
  matrix.core_ = core;
  matrix.up_transposed_ = up_transposed;
  matrix.rank_ = outer(*down);
  std::int64_t up_inner = up->shape.elements() / outer(*up);
  matrix.rows_ = up_transposed ? up_inner : outer(*up);
  matrix.up_rank_ = up_transposed ? outer(*up) : up_inner;
  matrix.columns_ = down->shape.elements() / matrix.rank_;
  if (core == nullptr) {
    if (matrix.up_rank_ != matrix.rank_) {
      return module.corrupt("the ranks of " + text(*up) + " and " + text(*down) +
                            " are not the same");
    }
  } else {
    if (core->shape.rank() < 2 || core->shape[0] != matrix.up_rank_ ||
        core->shape[1] != matrix.rank_) {
      return module.corrupt(text(*core) + " does not fit between " + text(*up) + " and " +
                            text(*down));
    }
    constexpr std::int64_t kMaxKernel = 4096;
    std::int64_t kernel = core->shape.elements() / (matrix.up_rank_ * matrix.rank_);
    if (kernel > kMaxKernel) return module.corrupt(text(*core) + " is no convolution's");
    matrix.columns_ *= kernel;
  }
  // No more than a weight of this size can have. Also the bound of what a core makes of a small
  // file.
  if (matrix.rank_ > matrix.rows_ + matrix.columns_ ||
      matrix.up_rank_ > matrix.rows_ + matrix.columns_) {
    return module.corrupt(fmt::format("the rank {} of {} is more than a matrix of {} x {} can have",
                                      std::max(matrix.rank_, matrix.up_rank_), text(*down),
                                      matrix.rows_, matrix.columns_));
  }
  return matrix;
}

Result<std::vector<float>> LowRankMatrix::up_values() const {
  OBSCURA_ASSIGN(std::vector<float> values, finite_values(*up_));
  if (!up_transposed_) return values;
  std::vector<float> result(values.size());
  auto rows = static_cast<std::size_t>(rows_), rank = static_cast<std::size_t>(up_rank_);
  for (std::size_t i = 0; i < rank; ++i)
    for (std::size_t row = 0; row < rows; ++row) result[row * rank + i] = values[i * rows + row];
  return result;
}

// With a core: (i, in, k) = sum over j of core (i, j, k) down (j, in).
Result<std::vector<float>> LowRankMatrix::down_values() const {
  OBSCURA_ASSIGN(std::vector<float> down, finite_values(*down_));
  if (core_ == nullptr) return down;
  OBSCURA_ASSIGN(std::vector<float> core, finite_values(*core_));
  std::int64_t inputs = down_->shape.elements() / rank_, kernel = columns_ / inputs;
  std::vector<float> transposed(down.size());  // (in, j)
  for (std::int64_t j = 0; j < rank_; ++j)
    for (std::int64_t in = 0; in < inputs; ++in)
      transposed[static_cast<std::size_t>(in * rank_ + j)] =
          down[static_cast<std::size_t>(j * inputs + in)];
  std::vector<float> result(static_cast<std::size_t>(up_rank_ * columns_), 0.0f);
  for (std::int64_t i = 0; i < up_rank_; ++i) {
    add_product(inputs, kernel, rank_, 1, transposed.data(), core.data() + i * rank_ * kernel,
                result.data() + i * columns_);
  }
  return result;
}

Status LowRankMatrix::add(float scale, float* target) const {
  OBSCURA_ASSIGN(std::vector<float> up, up_values());
  OBSCURA_ASSIGN(std::vector<float> down, down_values());
  add_product(rows_, columns_, up_rank_, scale, up.data(), down.data(), target);
  return {};
}

}  // namespace obscura::adapter
