// What a worker hands over: the bytes of a file that its job has made.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"
#include "graph/observer.h"

namespace obscura::server {

// The worker may be on another machine: it gives no path, but bytes, and is told the name that they
// got.
struct MadeFile {
  std::string node;        // that made it
  std::string prefix;      // of its name below the project's output folder: "portraits/ann"
  std::string extension;   // "png"
  std::string media_type;  // that of the extension: "image/png"
  std::string digest;      // SHA-256 of the bytes, in hex
  std::span<const std::byte> bytes;  // borrowed during the call
};

// In the project's output folder: `<prefix>_<00001>_.<extension>`.
struct PlacedFile {
  std::string subfolder, filename;
};

// What a run tells: what happens, and what it makes.
class RunObserver : public graph::Observer {
 public:
  // kCorrupt if the bytes are not those of the digest; kInvalidInput if the prefix leads out of the
  // output folder, or the media type is another; kIo or kDiskFull as files have it. The file
  // becomes a result of the job once the node shows it among its images.
  virtual Result<PlacedFile> made(const MadeFile& file) = 0;
};

}  // namespace obscura::server
