"""hello.c with the package. CRECHE_TREE: where the sources of the library are."""
import os

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, cmake_layout


class TestPackage(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeDeps", "CMakeToolchain"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    def build(self):
        cmake = CMake(self)
        tests = os.path.join(os.environ["CRECHE_TREE"], "tests")
        cmake.configure(variables={"PROGRAM": os.path.join(tests, "consumer", "hello.c")},
                        build_script_folder=os.path.join(tests, "packages", "vcpkg"))
        cmake.build()

    def test(self):
        if can_run(self):
            self.run(os.path.join(self.cpp.build.bindir, "hello"), env="conanrun")
