#include "store/connection.h"

#include <fmt/format.h>

#include <system_error>

#include "store/schema.h"

namespace obscura::store {

Result<std::shared_ptr<Connection>> Connection::open(const std::filesystem::path& path) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (error) {
    return Error(ErrorKind::kIo, fmt::format("cannot create the folder {}: {}",
                                             path.parent_path().string(), error.message()));
  }
  auto connection = std::make_shared<Connection>();
  OBSCURA_ASSIGN(connection->database, Database::open(path));
  OBSCURA_TRY(migrate(connection->database, path.string()));
  return connection;
}

}  // namespace obscura::store
