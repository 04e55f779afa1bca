# What is installed beside the library itself, how it is taken away again, and the packages.
#
#   cmake --install BUILD [--strip]             --strip: without debug information, the archive too
#   cmake --build BUILD --target uninstall      removes what was installed last from BUILD
#   cmake --preset package && cmake --build --preset package --target package          .deb files
#   cmake --build BUILD --target package_source                                        .tar.gz
#
# The preset has the prefix /usr, which is what makes the folder of libraries that of the distribution.

# ---- Licences, stripping, uninstalling -----------------------------------------------------------
set(licences ${PROJECT_SOURCE_DIR}/LICENSE)
if(NOT CRECHE_LLHTTP_FOUND)  # it is inside
  list(APPEND licences ${PROJECT_SOURCE_DIR}/pkgconfig/LICENSE.llhttp)
endif()
install(FILES ${licences} DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT licence)

# CMake strips no archives, as that could take their symbols; of debug information it is safe. An
# archive of ours is 20 times as big with it.
find_program(CRECHE_STRIP NAMES ${CMAKE_STRIP} strip)
mark_as_advanced(CRECHE_STRIP)
if(CRECHE_STRIP)
  install(CODE "if(CMAKE_INSTALL_DO_STRIP)
    execute_process(COMMAND \"${CRECHE_STRIP}\" --strip-debug --enable-deterministic-archives
      \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/libcreche.a\")
  endif()")
endif()

add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -P ${PROJECT_SOURCE_DIR}/pkgconfig/uninstall.cmake
                  WORKING_DIRECTORY ${PROJECT_BINARY_DIR} VERBATIM)

# ---- Packages of the library ---------------------------------------------------------------------
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME creche)
set(CPACK_PACKAGE_VENDOR "the libcreche authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "structured concurrency with HTTP and PostgreSQL, for any language")
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)

# Who makes a package answers for it.
set(packager "the libcreche authors <creche@localhost>")
if(DEFINED ENV{DEBEMAIL})
  set(packager "$ENV{DEBEMAIL}")
  if(DEFINED ENV{DEBFULLNAME})
    set(packager "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
  endif()
endif()
set(CPACK_PACKAGE_CONTACT "${packager}" CACHE STRING "Maintainer of the packages: name <address>")

# ---- Debian's: one package a group ---------------------------------------------------------------
set(runtime_package libcreche${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL runtime runtime_debian development development_debian)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
foreach(group runtime development)
  string(TOUPPER ${group} upper)
  set(CPACK_COMPONENT_${upper}_GROUP ${group})
  set(CPACK_COMPONENT_${upper}_DEBIAN_GROUP ${group})
endforeach()
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SOURCE creche)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${runtime_package})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(about "Task groups and cancel scopes that own every operation of an HTTP session,
which keeps connections, and of a PostgreSQL pool, behind one C API.
.
")
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "${about}This package has the shared library.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libcreche-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "${about}This package has the headers, which are \
the manual,
the static library, and what pkg-config and CMake need to find it.")
# pkg-config wants to see what is behind a library even where that is shared.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${runtime_package} (= ${PROJECT_VERSION}-1), \
libevent-dev, libssl-dev, libpq-dev, zlib1g-dev, libbrotli-dev, libzstd-dev, libpsl-dev, libidn2-dev, libnghttp2-dev")

# What makes ldconfig run, and tells dpkg-shlibdeps of other packages what to depend on.
set(debian ${PROJECT_BINARY_DIR}/debian)
file(WRITE ${debian}/triggers "activate-noawait ldconfig\n")
file(WRITE ${debian}/shlibs "libcreche ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} \
${runtime_package} (>= ${PROJECT_VERSION})\n")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${debian}/triggers ${debian}/shlibs)

# What a package of Debian's has in its folder of documents: licences, and what has changed.
file(READ ${PROJECT_SOURCE_DIR}/LICENSE mit)
file(READ ${PROJECT_SOURCE_DIR}/pkgconfig/LICENSE.llhttp llhttp_mit)
file(WRITE ${debian}/copyright "libcreche\n\n${mit}")
if(NOT CRECHE_LLHTTP_FOUND)
  file(APPEND ${debian}/copyright "\n${llhttp_mit}")
endif()
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${debian}/changelog.Debian "creche (${PROJECT_VERSION}-1) unstable; urgency=medium

  * Made from the sources: what has changed in them is in changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${now}
")
foreach(text changelog.Debian changelog)
  set(source ${debian}/${text})
  if(text STREQUAL changelog)
    set(source ${PROJECT_SOURCE_DIR}/CHANGELOG.md)
  endif()
  execute_process(COMMAND gzip -9nc ${source} OUTPUT_FILE ${debian}/${text}.gz)
endforeach()
foreach(group runtime development)
  string(TOUPPER ${group} upper)
  set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  install(FILES ${debian}/copyright ${debian}/changelog.Debian.gz ${debian}/changelog.gz
          DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package}
          COMPONENT ${group}_debian EXCLUDE_FROM_ALL)
  file(WRITE ${debian}/${package} "# Nobody uploads it, so no report asked for it.
${package}: initial-upload-closes-no-bugs
")
  if(group STREQUAL runtime)
    file(APPEND ${debian}/${package} "# Said by CMake; the trigger is there, too.
${package}: maintscript-calls-ldconfig
")
  endif()
  install(FILES ${debian}/${package} DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/lintian/overrides
          COMPONENT ${group}_debian EXCLUDE_FROM_ALL)
endforeach()

# Manual pages are compressed in packages only.
install(CODE "file(GLOB_RECURSE pages \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/*\")
  if(pages)
    execute_process(COMMAND gzip -9n \${pages} COMMAND_ERROR_IS_FATAL ANY)
  endif()" COMPONENT development_debian EXCLUDE_FROM_ALL)

# ---- The sources ---------------------------------------------------------------------------------
set(CPACK_SOURCE_GENERATOR TGZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME creche-${PROJECT_VERSION})
set(CPACK_SOURCE_IGNORE_FILES "/\\.git/" "/\\.git$" "/\\.cache/" "/build[^/]*/" "/target/" "/__pycache__/"
    "\\.swp$" "~$")

include(CPack)
