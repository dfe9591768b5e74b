// libpng reports errors by longjmp, which skips destructors. This keeps that within one small
// function.
#pragma once

#include <png.h>

#include <csetjmp>
#include <string>

namespace obscura::io {

// What libpng's callbacks reach through png_get_error_ptr().
struct PngFailure {
  std::string message;
};

inline void on_png_error(png_structp png, png_const_charp message) {
  static_cast<PngFailure*>(png_get_error_ptr(png))->message = message;
  png_longjmp(png, 1);
}

inline void on_png_warning(png_structp, png_const_charp) {}

// Runs `body`, which calls libpng; false if libpng gave up. `body` must not own anything: no
// destructor runs on failure.
template <class Body>
bool attempt_png(png_structp png, const Body& body) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  body();
  return true;
}

}  // namespace obscura::io
