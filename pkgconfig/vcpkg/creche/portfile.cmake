# A port of the tree that it lies in: vcpkg install creche --overlay-ports=<the tree>/pkgconfig/vcpkg
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}"
                      OPTIONS -DCRECHE_BUILD_TESTS=OFF -DCRECHE_BUILD_DOCS=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME creche CONFIG_PATH lib/cmake/creche)
vcpkg_fixup_pkgconfig()

# Both are always built; a triplet wants one.
if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
  file(GLOB unwanted "${CURRENT_PACKAGES_DIR}/lib/libcreche.so*" "${CURRENT_PACKAGES_DIR}/debug/lib/libcreche.so*")
else()
  set(unwanted "${CURRENT_PACKAGES_DIR}/lib/libcreche.a" "${CURRENT_PACKAGES_DIR}/debug/lib/libcreche.a")
endif()
file(REMOVE ${unwanted})
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share"
     "${CURRENT_PACKAGES_DIR}/share/doc")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
