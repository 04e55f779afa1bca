"""A Conan recipe for the tree that it lies in: conan create <the tree>/pkgconfig/conan"""
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rm, rmdir
from conan.tools.gnu import PkgConfigDeps


class CrecheConan(ConanFile):
    name = "creche"
    description = "Structured concurrency with HTTP and PostgreSQL, for any language that can call C"
    license = "MIT"
    topics = ("http", "postgresql", "structured-concurrency")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": True, "fPIC": True}
    implements = ["auto_shared_fpic"]

    @property
    def _tree(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self._tree, "include", "creche", "base.h"))
        numbers = dict(re.findall(r"#define CRECHE_VERSION_(MAJOR|MINOR|PATCH)\s+(\d+)", text))
        self.version = ".".join(numbers[part] for part in ("MAJOR", "MINOR", "PATCH"))

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "CHANGELOG.md", "include/*", "src/*", "pkgconfig/*"):
            copy(self, pattern, self._tree, self.export_sources_folder)

    def requirements(self):
        self.requires("libevent/2.1.12")
        self.requires("openssl/[>=3 <4]")
        self.requires("libpq/[>=15]")
        self.requires("zlib/[>=1.2.11 <2]")
        self.requires("brotli/[>=1.0.9 <2]")
        self.requires("zstd/[>=1.5 <2]")
        self.requires("libpsl/[>=0.21]")
        self.requires("libidn2/[>=2.3 <3]")
        self.requires("libnghttp2/[>=1.52 <2]")
        self.requires("llhttp/[>=6]")

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("libcreche is for Linux")
        if self.settings.get_safe("compiler.cppstd"):
            check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["CRECHE_BUILD_TESTS"] = False
        toolchain.cache_variables["CRECHE_BUILD_DOCS"] = False
        toolchain.generate()
        PkgConfigDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        for unwanted in (["libcreche.a"] if self.options.shared else ["libcreche.so*"]):
            rm(self, unwanted, os.path.join(self.package_folder, "lib"))
        for folder in ("cmake", "pkgconfig"):  # Conan writes its own
            rmdir(self, os.path.join(self.package_folder, "lib", folder))
        rmdir(self, os.path.join(self.package_folder, "share"))

    def package_info(self):
        self.cpp_info.libs = ["creche"]
        self.cpp_info.set_property("cmake_file_name", "creche")
        self.cpp_info.set_property("cmake_target_name", "creche::creche")
        self.cpp_info.set_property("pkg_config_name", "creche")
        if not self.options.shared:
            self.cpp_info.system_libs = ["pthread", "stdc++", "m"]
