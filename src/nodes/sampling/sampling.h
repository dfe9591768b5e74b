// What the sampling nodes share: the choices of their widgets, and a run that reports its steps.
#pragma once

#include <string>
#include <vector>

#include "graph/node_call.h"
#include "graph/node_type.h"
#include "nodes/sockets.h"
#include "pipeline/sample.h"

namespace obscura::nodes {

// COMBOs of all samplers and schedules, in ComfyUI's order.
graph::InputSpec sampler_name_input();
graph::InputSpec scheduler_input();
// FLOAT "cfg" as every ComfyUI sampling node declares it.
graph::InputSpec cfg_input();

// The request's model, conditions, cfg and latent from the inputs "model", "positive", "negative",
// "cfg" and "latent_image". For the caller to complete.
pipeline::SampleRequest request_from(const graph::NodeCall& call);

// What the socket NOISE says.
void choose_noise(pipeline::SampleRequest& request, const NoiseChoice& noise);

// Samples, reporting each step and looking at the cancel token.
Result<pipeline::Sampled> sample_reporting(graph::NodeCall& call, pipeline::SampleRequest request);

}  // namespace obscura::nodes
