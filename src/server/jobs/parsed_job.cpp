#include "server/jobs/parsed_job.h"

#include "graph/json_text.h"

namespace obscura::server {

using nlohmann::ordered_json;

Result<ParsedJob> parse_job(const store::Job& job) {
  ParsedJob parsed;
  parsed.job.project = job.project;
  OBSCURA_ASSIGN(parsed.job.prompt, graph::parse_json(job.prompt));
  OBSCURA_ASSIGN(ordered_json targets, graph::parse_json(job.targets));
  for (const ordered_json& target : targets)
    if (target.is_string()) parsed.job.targets.push_back(target);
  OBSCURA_ASSIGN(ordered_json extra, graph::parse_json(job.extra_data));
  if (auto info = extra.find("extra_pnginfo"); info != extra.end() && info->is_object()) {
    parsed.job.extra_pnginfo = *info;
  }
  if (auto method = extra.find("preview_method"); method != extra.end()) {
    parsed.previews = *method != "none";
  }
  return parsed;
}

}  // namespace obscura::server
