// Where node code ends and the engine begins: what a body or hook throws becomes an Error here.
#pragma once

#include <exception>
#include <new>
#include <string>

#include "base/check.h"
#include "base/result.h"

namespace obscura::graph {

// call(), which returns a Result or Status, or what it threw as an Error.
template <class Call>
auto guarded(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const InternalError& error) {
    return Error(ErrorKind::kInternal, error.what());
  } catch (const std::bad_alloc&) {
    return Error(ErrorKind::kOutOfMemory, "out of memory on the host");
  } catch (const std::exception& error) {
    return Error(ErrorKind::kInternal, std::string("internal error: ") + error.what());
  }
}

}  // namespace obscura::graph
