#include "pipeline/preview.h"

#include <gtest/gtest.h>

#include <cmath>

#include "checkpoint/pocket.h"
#include "models/golden.h"
#include "pipeline/image_codec.h"
#include "tensor/resize.h"

namespace obscura::pipeline {
namespace {

TEST(Preview, HasTheColoursOfTheImage) {
  Checkpoint pocket =
      load_checkpoint(ModelFile::embedded(checkpoint::pocket_model(), "pocket", "0").value())
          .value();
  runtime::Session session(backend::create_device("cpu").value());
  Tensor latent = models::reference("x_20").clone();
  for (float& value : latent.values()) value /= pocket.model->family->latents.scale;

  Previewer previewer(session, pocket.model);
  auto preview = previewer.preview(latent, {});
  ASSERT_TRUE(preview.ok()) << preview.error().message();
  ASSERT_TRUE(preview->has_value());
  EXPECT_EQ((*preview)->shape(), (Shape{1, 256, 256, 3}));

  // At a quarter of the size, where the missing detail does not count.
  Tensor image = decode_image(session, *pocket.vae, latent, {}).value();
  Tensor expected = resize_image(image, 64, 64, ResizeMethod::kArea);
  Tensor found = resize_image(**preview, 64, 64, ResizeMethod::kArea);
  double squares = 0;
  for (std::int64_t i = 0; i < expected.elements(); ++i) {
    squares += std::pow(static_cast<double>(expected.data()[i]) - found.data()[i], 2);
  }
  EXPECT_GT(-10 * std::log10(squares / static_cast<double>(expected.elements())), 20);
}

}  // namespace
}  // namespace obscura::pipeline
