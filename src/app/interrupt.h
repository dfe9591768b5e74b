// Ctrl-C and SIGTERM as the cancellation of a job.
#pragma once

#include "base/cancel.h"

namespace obscura::app {

// From now on the first signal cancels the token that is returned; a second one ends the program at
// once, as the system would have. Call once.
CancelToken cancel_on_signals();

}  // namespace obscura::app
