// What the application lends to nodes: model folders, the device, output folders, ... found by C++
// type, so that the graph layer needs to know none of them. Holds borrowed pointers; whoever fills
// it keeps the objects alive.
//
// Thread safety: fill it first; reading is safe from any thread.
#pragma once

#include <string>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>

#include "base/check.h"

namespace obscura::graph {

class Environment {
 public:
  // Lends `object` to nodes that ask for a T. Replaces an earlier T.
  template <class T>
  void provide(T& object) {
    objects_[std::type_index(typeid(T))] = &object;
  }

  // Null if the application provides no T.
  template <class T>
  T* find() const {
    auto found = objects_.find(std::type_index(typeid(T)));
    return found == objects_.end() ? nullptr : static_cast<T*>(found->second);
  }

  // REQUIRES: the application provides a T.
  template <class T>
  T& get() const {
    T* object = find<T>();
    OBSCURA_CHECK(object != nullptr,
                  std::string("the environment provides no ") + typeid(T).name());
    return *object;
  }

 private:
  std::unordered_map<std::type_index, void*> objects_;
};

}  // namespace obscura::graph
