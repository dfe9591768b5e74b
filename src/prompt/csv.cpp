#include "prompt/csv.h"

namespace obscura::prompt {

std::vector<std::vector<std::string>> parse_csv(std::string_view text) {
  std::vector<std::vector<std::string>> rows;
  bool quoted = false, begins_row = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (begins_row) {
      rows.push_back({""});
      begins_row = false;
    }
    std::string& field = rows.back().back();
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      field += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      rows.back().emplace_back();
    } else if (c == '\n' && !quoted) {
      begins_row = true;
    } else if (c != '\r' || quoted) {
      field += c;
    }
  }
  return rows;
}

}  // namespace obscura::prompt
