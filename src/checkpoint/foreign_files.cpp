#include "checkpoint/foreign_files.h"

#include <string>

#include "base/count_text.h"
#include "checkpoint/family.h"
#include "checkpoint/layout.h"
#include "checkpoint/network_kind.h"

namespace obscura::checkpoint {

const NetworkKind* known_by_sight(const TensorNames& names) {
  for (const NetworkKind* kind : network_kinds())
    if (!kind->is_run() && kind->find(names)) return kind;
  return nullptr;
}

Error refuse_foreign_file(const TensorNames& names) {
  const std::string wanted = "a model of " + family_names();
  if (const NetworkKind* kind = known_by_sight(names)) {
    std::string message = "this is " + kind->describe(names) + ", " + wanted + " is wanted";
    if (!kind->folder.name.empty())
      message += "; its place is the folder " + std::string(kind->folder.name);
    return Error(ErrorKind::kUnsupported, message);
  }
  std::string found = count_text(names.entries().size(), "tensor");
  if (!names.entries().empty()) found += ", the first " + names.entries().front().name;
  return Error(ErrorKind::kUnsupported, wanted + " is wanted, found a file of " + found);
}

}  // namespace obscura::checkpoint
