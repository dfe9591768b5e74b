#include "checkpoint/recognise.h"

#include "checkpoint/foreign_files.h"
#include "checkpoint/ldm_sdxl.h"
#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {

Result<CheckpointLayout> recognise(std::span<const io::TensorEntry> entries,
                                   const io::SafetensorsMetadata& metadata) {
  TensorNames names(entries);
  if (is_ldm_sdxl(names)) return read_ldm_sdxl(names, metadata);
  return refuse_foreign_file(names);
}

Result<CheckpointLayout> recognise(const io::SafetensorsFile& file) {
  Result<CheckpointLayout> layout = recognise(file.entries(), file.metadata());
  if (!layout.ok()) return layout.error().in(file.name());
  return layout;
}

}  // namespace obscura::checkpoint
