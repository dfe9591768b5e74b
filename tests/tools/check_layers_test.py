"""tools/check_layers: each thing that it forbids is planted, and seen."""

import unittest

from scratch import ROOT, ScratchTest

TABLE = """\
base:
io: base
engine: base
app: *
<dnnl*>: engine
"""
CMAKE = """\
obscura_layer(base)
obscura_layer(io DEPENDS base LIBRARIES PNG::PNG)  # images
obscura_layer(engine DEPENDS base)
obscura_layer(app DEPENDS io engine)
"""


class CheckLayers(ScratchTest):
    def setUp(self):
        super().setUp()
        self.write("tools/layers.txt", TABLE)
        self.write("src/CMakeLists.txt", CMAKE)
        self.write("src/base/hash.h", "#include <string>\n")
        self.write("src/io/png.cpp", '#include "base/hash.h"\n#include <png.h>\n')
        self.write("src/app/main.cpp", '#include "io/png.h"\n')

    def check(self, *options):
        return self.run_tool(ROOT / "tools/check_layers", "--root", self.folder, *options)

    def test_a_tree_in_order_passes(self):
        self.assert_passes(self.check())

    def test_the_project_passes(self):
        self.assert_passes(self.run_tool(ROOT / "tools/check_layers"))

    def test_an_include_upwards_fails(self):
        self.write("src/base/log.cpp", '// why\n#include "io/png.h"\n')
        self.assert_fails(self.check(), "src/base/log.cpp:2: base may not include io (io/png.h)")

    def test_an_indented_include_counts(self):
        self.write("src/base/log.cpp", '#ifdef X\n#  include "io/png.h"\n#endif\n')
        self.assert_fails(self.check(), "src/base/log.cpp:2")

    def test_a_folder_in_no_layer_fails(self):
        self.write("src/utils/strings.h", "#pragma once\n")
        self.assert_fails(self.check(), "src/utils/strings.h: lies in no layer")

    def test_a_bare_include_fails(self):
        self.write("src/io/jpeg.cpp", '#include "png.h"\n')
        self.assert_fails(self.check(), "src/io/jpeg.cpp:1", "not written from src/")

    def test_a_header_of_ours_in_angle_brackets_fails(self):
        self.write("src/base/log.cpp", "#include <io/png.h>\n")
        self.assert_fails(self.check(), "src/base/log.cpp:1")

    def test_a_vendor_header_outside_its_backend_fails(self):
        self.write("src/engine/conv.cpp", "#include <dnnl.hpp>\n")
        self.assert_passes(self.check())
        self.write("src/app/doctor.cpp", "#include <dnnl_version.h>\n")
        self.assert_fails(self.check(), "src/app/doctor.cpp:1", "only engine may")

    def test_the_project_keeps_vendors_in_their_folders(self):
        self.bring("tools/layers.txt")
        self.bring("src/CMakeLists.txt")
        for header in ("dnnl.hpp", "cuda_runtime.h", "cudnn.h", "cublasLt.h"):
            self.write("src/io/png.cpp", f"#include <{header}>\n")
            self.assert_fails(self.check("--layer", "io"), "src/io/png.cpp:1: io may not include")

    def test_only_the_layer_asked_for_is_looked_at(self):
        self.write("src/base/log.cpp", '#include "io/png.h"\n')
        self.assert_passes(self.check("--layer", "io"))
        self.assert_fails(self.check("--layer", "base"), "src/base/log.cpp:1")

    def test_a_cycle_in_the_table_fails(self):
        self.write("tools/layers.txt", TABLE.replace("base:", "base: io"))
        self.assert_fails(self.check(), "base sees itself through others")

    def test_an_unknown_layer_in_the_table_fails(self):
        self.write("tools/layers.txt", TABLE.replace("io: base", "io: base codec"))
        self.assert_fails(self.check(), "io names codec, which is no layer")

    def test_a_dependency_that_the_table_forbids_fails(self):
        self.write("src/CMakeLists.txt", CMAKE.replace("(io DEPENDS base", "(io DEPENDS base engine"))
        self.assert_fails(self.check(), "io DEPENDS on engine, which it may not include")

    def test_a_layer_that_is_not_linked_with_what_it_includes_fails(self):
        self.write("src/CMakeLists.txt", CMAKE.replace("(io DEPENDS base", "(io"))
        self.assert_fails(self.check(), "io may include base, but none of its DEPENDS leads there")

    def test_a_layer_that_is_not_built_fails(self):
        self.write("src/CMakeLists.txt", CMAKE.replace("obscura_layer(io", "# obscura_layer(io"))
        self.assert_fails(self.check(), "does not declare io, which has sources")

    def test_nothing_to_check_fails(self):
        for file in self.folder.glob("src/*/*"):
            file.unlink()
        self.assert_fails(self.check(), "found no include")


class CheckLayersInTheBuild(ScratchTest):
    """The gate stands before the compiler: a violation fails the build although it compiles."""

    def test_a_violation_fails_the_build(self):
        self.bring("cmake/Join.cmake", "cmake/Layer.cmake", "tools/check_layers")
        self.write("tools/layers.txt", "base:\nio: base\n")
        self.write("CMakeLists.txt", """\
cmake_minimum_required(VERSION 3.25)
project(planted CXX)
include(cmake/Join.cmake)
include(cmake/Layer.cmake)
add_library(obscura_flags INTERFACE)
target_include_directories(obscura_flags INTERFACE src)
add_subdirectory(src)
""")
        self.write("src/CMakeLists.txt", "obscura_layer(base)\nobscura_layer(io DEPENDS base)\n")
        self.write("src/io/png.h", "#pragma once\n")
        self.write("src/base/hash.cpp", "int hash() { return 1; }\n")
        self.assert_passes(self.run_tool("cmake", "-S", ".", "-B", "build", "-G", "Ninja"))
        self.assert_passes(self.run_tool("ninja", "-C", "build"))
        self.write("src/base/hash.cpp", '#include "io/png.h"\nint hash() { return 1; }\n')
        self.assert_fails(self.run_tool("ninja", "-C", "build"), "base may not include io")


if __name__ == "__main__":
    unittest.main()
