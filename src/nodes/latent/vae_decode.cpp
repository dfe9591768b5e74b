// VAEDecode and VAEDecodeTiled.
#include "graph/node_registry.h"
#include "nodes/latent/tile_inputs.h"
#include "nodes/sockets.h"
#include "pipeline/image_codec.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> run_vae_decode(NodeCall& call) {
  OBSCURA_ASSIGN(
      Tensor pixels,
      pipeline::decode_image(call.environment<runtime::Session>(), call.get<pipeline::Vae>("vae"),
                             call.get<pipeline::Latent>("samples").samples, call.cancel_token()));
  return NodeResult{image_value(std::move(pixels))};
}

const RegisterNode kVaeDecodeWhole{
    NodeType("VAEDecode")
        .label("VAE Decode")
        .category("latent")
        .description("Turns latents into images.")
        .input(socket("samples", "LATENT").tooltip("The latents."))
        .input(socket("vae", "VAE").tooltip("The model that decodes them."))
        .output("IMAGE", "", "The images.")
        .run(run_vae_decode)};

const RegisterNode kVaeDecodeTiled{
    with_tile_inputs(NodeType("VAEDecodeTiled")
                         .label("VAE Decode (Tiled)")
                         .category("_for_testing")
                         .description(std::string("Turns latents into "
                                                  "images. ") +
                                      kTilesHelp)
                         .input(socket("samples", "LATENT"))
                         .input(socket("vae", "VAE")),
                     32)
        .output("IMAGE")
        .run(run_vae_decode)};

}  // namespace
}  // namespace obscura::nodes
