// The tables, and how a file of an older version gets them.
#pragma once

#include "base/result.h"
#include "store/database.h"

namespace obscura::store {

// Runs the steps that the file (PRAGMA user_version says how many it had) still lacks, each in a
// transaction of its own. kUnsupported if it had more than this program knows.
Status migrate(Database& database, const std::string& path);

}  // namespace obscura::store
