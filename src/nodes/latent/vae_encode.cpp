// VAEEncode and VAEEncodeTiled.
#include "graph/node_registry.h"
#include "nodes/latent/tile_inputs.h"
#include "nodes/sockets.h"
#include "pipeline/image_codec.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> run_vae_encode(NodeCall& call) {
  OBSCURA_ASSIGN(
      Tensor samples,
      pipeline::encode_image(call.environment<runtime::Session>(), call.get<pipeline::Vae>("vae"),
                             call.get<Image>("pixels").pixels, call.cancel_token()));
  return NodeResult{latent_value({.samples = std::move(samples)})};
}

const RegisterNode kVaeEncodeWhole{
    NodeType("VAEEncode")
        .label("VAE Encode")
        .category("latent")
        .description("Turns images into latents: the mean of the encoder's distribution, so that "
                     "the same image always gives the same latent.")
        .input(socket("pixels", "IMAGE").tooltip("The images."))
        .input(socket("vae", "VAE").tooltip("The model that encodes them."))
        .output("LATENT")
        .run(run_vae_encode)};

const RegisterNode kVaeEncodeTiled{
    with_tile_inputs(NodeType("VAEEncodeTiled")
                         .label("VAE Encode (Tiled)")
                         .category("_for_testing")
                         .description(std::string("Turns images into "
                                                  "latents. ") +
                                      kTilesHelp)
                         .input(socket("pixels", "IMAGE"))
                         .input(socket("vae", "VAE")),
                     64)
        .output("LATENT")
        .run(run_vae_encode)};

}  // namespace
}  // namespace obscura::nodes
