"""Stands for a package of Conan's server: the system's own, as pkg-config knows it. Name and version come
from the command line; llhttp, which Debian has as sources only, is built."""
import os

from conan import ConanFile
from conan.tools.gnu import PkgConfig

MODULES = {"libevent": ["libevent_core", "libevent_pthreads"], "openssl": ["openssl"], "libpq": ["libpq"],
           "zlib": ["zlib"], "brotli": ["libbrotlidec"], "zstd": ["libzstd"], "libpsl": ["libpsl"],
           "libidn2": ["libidn2"], "libnghttp2": ["libnghttp2"]}


class System(ConanFile):
    settings = "os", "arch"

    def build(self):
        if self.name == "llhttp":
            for source in ("api", "http", "llhttp"):
                self.run(f"cc -O2 -fPIC -fexceptions -I/usr/share/include/llhttp -c /usr/share/llhttp/{source}.c")
            self.run("ar rcs libllhttp.a api.o http.o llhttp.o")

    def package(self):
        if self.name == "llhttp":
            os.makedirs(os.path.join(self.package_folder, "lib"))
            self.run(f"cp libllhttp.a {self.package_folder}/lib/")

    def package_info(self):
        if self.name == "llhttp":
            self.cpp_info.libs = ["llhttp"]
            self.cpp_info.includedirs = ["/usr/share/include/llhttp"]
            self.cpp_info.set_property("pkg_config_name", "libllhttp")
            return
        for module in MODULES[self.name]:
            info = self.cpp_info if len(MODULES[self.name]) == 1 else self.cpp_info.components[module]
            PkgConfig(self, module).fill_cpp_info(info, is_system=True)
            info.set_property("pkg_config_name", module)
            info.bindirs = info.libdirs = []
