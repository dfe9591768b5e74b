// The nodes that load adapters, over the pocket model and a folder with the golden LoRA.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "adapter/adapter_samples.h"
#include "checkpoint/kinds/text_encoder.h"
#include "checkpoint/pocket.h"
#include "golden_data.h"
#include "graph/node_registry.h"
#include "io/test_folder.h"
