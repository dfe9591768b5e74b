// The tensors of an adapter module as numbers and matrices, checked as they are taken.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adapter/delta.h"

namespace obscura::adapter {

// A module whose tensors are being turned into deltas: remembers which were taken.
class ModuleReader {
 public:
  ModuleReader(const AdapterFile& adapter, const AdapterModule& module)
      : adapter_(adapter), module_(module) {}

  bool has(Role role) const { return module_.find(role) != nullptr; }
  // Null if there is none. kCorrupt unless it holds numbers with a fraction, at least one.
  Result<const io::TensorEntry*> take(Role role);
  // kCorrupt if there is none: `role_name` is what is missing.
  Result<const io::TensorEntry*> require(Role role, const char* role_name);
  // The one number of a tensor; nothing if there is none. kCorrupt if it is not one finite number.
  Result<std::optional<double>> take_number(Role role);
  // alpha / rank; `scale` in its place if there is one; without either, what peft's metadata say.
  Result<double> take_scale(std::int64_t rank);

  // "adapter NAME, module STEM: message".
  Error corrupt(const std::string& message) const;
  // The same about sizes that are not this model's.
  Error unfitting(const std::string& found, const WeightShape& weight) const;

  std::vector<const io::TensorEntry*> untaken() const;

 private:
  const AdapterFile& adapter_;
  const AdapterModule& module_;
  std::set<Role> taken_;
};

// All elements as float32. kCorrupt if one is a NaN or an infinity.
Result<std::vector<float>> finite_values(const io::TensorEntry& entry);

// up (rows, rank) times down (rank, columns); with a Tucker core (rank, rank, k, k) between them,
// in which case columns = inputs * k * k. The core of LyCORIS's families goes with a transposed up.
class LowRankMatrix {
 public:
  static Result<LowRankMatrix> make(const ModuleReader& module, const io::TensorEntry* up,
                                    const io::TensorEntry* down, const io::TensorEntry* core,
                                    bool up_transposed);

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  std::int64_t rank() const { return rank_; }  // of down, which alpha is divided by
  // target (rows, columns) += scale times the matrix.
  Status add(float scale, float* target) const;
  // The two matrices whose product it is, with the core put into the second; inner() columns and
  // rows.
  Result<std::vector<float>> up_values() const;
  Result<std::vector<float>> down_values() const;
  std::int64_t inner() const { return up_rank_; }

 private:
  LowRankMatrix() = default;

  const io::TensorEntry *up_ = nullptr, *down_ = nullptr, *core_ = nullptr;
  std::int64_t rows_ = 0, columns_ = 0, rank_ = 0;
  std::int64_t up_rank_ = 0;  // differs from rank_ with a core that is not square
  bool up_transposed_ = false;
};

// One function a family. Each takes the module's tensors of its family and gives a delta, or null
// if the module has none.
Result<DeltaPtr> make_low_rank(ModuleReader& module, const WeightShape& weight);
Result<DeltaPtr> make_hadamard(ModuleReader& module, const WeightShape& weight);
Result<DeltaPtr> make_kronecker(ModuleReader& module, const WeightShape& weight);
Result<DeltaPtr> make_glora(ModuleReader& module, const WeightShape& weight);
Result<DeltaPtr> make_orthogonal(ModuleReader& module, const WeightShape& weight);
Result<DeltaPtr> make_channel_scale(ModuleReader& module, const WeightShape& weight);
// Elements given as they are: added, or put in place of the weight's.
Result<DeltaPtr> make_difference(ModuleReader& module, Role role, const WeightShape& weight);
Result<DeltaPtr> make_replacement(ModuleReader& module, const WeightShape& weight);
// `inner` with DoRA's magnitude; `inner` itself if the module has none.
Result<DeltaPtr> decomposed(ModuleReader& module, const WeightShape& weight, DeltaPtr inner);

}  // namespace obscura::adapter
