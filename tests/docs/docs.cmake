# What is made from the headers: the description of the ABI for programs, and the man pages (both with
# everything else, and installed: Python's standard library is all they need), and the site (`--target
# docs` only: it needs python3-markdown). Included by the project's CMakeLists.txt, with or without tests.
find_package(Python3 QUIET COMPONENTS Interpreter)
if(NOT Python3_Interpreter_FOUND)
  message(STATUS "no Python 3: no creche.json and no man pages")
  return()
endif()

set(docs_source ${CMAKE_CURRENT_LIST_DIR})
set(docs_guide ${PROJECT_SOURCE_DIR}/tests/guide)
set(docs_build ${PROJECT_BINARY_DIR}/docs)
file(GLOB docs_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/creche/*.h)
file(GLOB docs_scripts CONFIGURE_DEPENDS ${docs_source}/*.py)
file(MAKE_DIRECTORY ${docs_build})

add_custom_command(
  OUTPUT ${docs_build}/creche.json
  COMMAND ${Python3_EXECUTABLE} -B ${docs_source}/describe.py ${docs_build}/creche.json
  DEPENDS ${docs_headers} ${docs_scripts}
  COMMENT "creche.json from the headers" VERBATIM)
add_custom_command(
  OUTPUT ${docs_build}/man.stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${docs_build}/man
  COMMAND ${Python3_EXECUTABLE} -B ${docs_source}/man.py ${docs_build}/creche.json ${docs_build}/man
  COMMAND ${CMAKE_COMMAND} -E touch ${docs_build}/man.stamp
  DEPENDS ${docs_build}/creche.json ${docs_source}/overview.txt ${docs_guide}/first.c
  COMMENT "manual pages from creche.json" VERBATIM)
add_custom_target(creche_description ALL DEPENDS ${docs_build}/creche.json ${docs_build}/man.stamp)
install(FILES ${docs_build}/creche.json DESTINATION ${CMAKE_INSTALL_DATADIR}/creche OPTIONAL)
install(DIRECTORY ${docs_build}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR} OPTIONAL)

# The site. Debian's package is for Debian's Python, which need not be the one that CMake finds first.
set(docs_python)
foreach(python ${Python3_EXECUTABLE} /usr/bin/python3)
  if(NOT docs_python AND EXISTS ${python})
    execute_process(COMMAND ${python} -c "import markdown" RESULT_VARIABLE missing OUTPUT_QUIET ERROR_QUIET)
    if(missing EQUAL 0)
      set(docs_python ${python})
    endif()
  endif()
endforeach()
if(docs_python)
  file(GLOB docs_pages CONFIGURE_DEPENDS ${docs_guide}/* ${docs_source}/site/* ${PROJECT_SOURCE_DIR}/tests/examples/ffi/*/*
       ${PROJECT_SOURCE_DIR}/tests/examples/classic/* ${PROJECT_SOURCE_DIR}/tests/examples/classic/original/*
       ${PROJECT_SOURCE_DIR}/bindings/*/examples/classic/* ${PROJECT_SOURCE_DIR}/bindings/*/*/examples/classic/*)
  add_custom_command(
    OUTPUT ${docs_build}/site.stamp
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${docs_build}/site
    COMMAND ${docs_python} -B ${docs_source}/website.py ${docs_build}/creche.json ${docs_build}/site
    COMMAND ${CMAKE_COMMAND} -E touch ${docs_build}/site.stamp
    DEPENDS ${docs_build}/creche.json ${docs_scripts} ${docs_pages} ${PROJECT_SOURCE_DIR}/tests/bench/counts.json
    COMMENT "the site: docs/site/index.html" VERBATIM)
  add_custom_target(docs DEPENDS ${docs_build}/site.stamp creche_description)
else()
  set(docs_python ${Python3_EXECUTABLE})
  add_custom_target(docs COMMAND ${CMAKE_COMMAND} -E echo "skipped: no site: it needs the package python3-markdown"
                    DEPENDS creche_description VERBATIM)
endif()
install(DIRECTORY ${docs_build}/site/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/html OPTIONAL)
