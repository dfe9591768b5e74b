#include "nodes/text_encoding.h"

#include "pipeline/text.h"
#include "runtime/session.h"

namespace obscura::nodes {

Result<pipeline::Condition> encode(const graph::NodeCall& call, std::string_view text_l,
                                   std::string_view text_g) {
  OBSCURA_ASSIGN(pipeline::EncodedText encoded,
                 pipeline::encode_text(call.environment<runtime::Session>(),
                                       call.get<pipeline::TextEncoders>("clip"), text_l, text_g,
                                       call.cancel_token()));
  for (std::string& warning : encoded.warnings) call.warn(std::move(warning));
  return std::move(encoded.condition);
}

}  // namespace obscura::nodes
