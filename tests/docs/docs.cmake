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
  COMMAND ${Python3_EXECUTABLE} ${docs_source}/describe.py ${docs_build}/creche.json
  DEPENDS ${docs_headers} ${docs_scripts}
  COMMENT "creche.json from the headers" VERBATIM)
add_custom_command(
  OUTPUT ${docs_build}/man.stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${docs_build}/man
  COMMAND ${Python3_EXECUTABLE} ${docs_source}/man.py ${docs_build}/creche.json ${docs_build}/man
  COMMAND ${CMAKE_COMMAND} -E touch ${docs_build}/man.stamp
  DEPENDS ${docs_build}/creche.json ${docs_source}/overview.txt ${docs_guide}/first.c
  COMMENT "manual pages from creche.json" VERBATIM)
add_custom_target(creche_description ALL DEPENDS ${docs_build}/creche.json ${docs_build}/man.stamp)
install(FILES ${docs_build}/creche.json DESTINATION ${CMAKE_INSTALL_DATADIR}/creche)
install(DIRECTORY ${docs_build}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
