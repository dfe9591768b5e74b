// TLS where nobody gives a certificate: a studio's own network has no authority that would.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "server/net/tls.h"

namespace obscura::server {

// A certificate signed by its own key, for this machine's names and addresses, in `folder`: made at
// the first call, kept until 30 days before its end, then made anew. Only this user may read the
// folder. kIo if it cannot be written.
Result<TlsContext> self_signed_certificate(const std::filesystem::path& folder);

}  // namespace obscura::server
