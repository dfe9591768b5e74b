// How a job tells the one who waits for it what it does: a bar on a terminal, lines elsewhere, JSON
// for programs.
#pragma once

#include <cstddef>
#include <memory>

#include "graph/observer.h"

namespace obscura::app {

enum class ProgressStyle { kBar, kLines, kJson, kNone };

// A bar if stderr is a terminal, else lines; JSON goes to stdout. `nodes` is how many the job has.
ProgressStyle progress_style(bool json, bool quiet);
std::unique_ptr<graph::Observer> make_progress(ProgressStyle style, std::size_t nodes);

// One JSON object as a line on stdout, at once.
void print_event(const nlohmann::ordered_json& event);

}  // namespace obscura::app
