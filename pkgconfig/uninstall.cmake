# Removes what `cmake --install` has put somewhere, by the list that it left in the folder of the build:
# the newest one, if it was to more than one prefix. Folders of ours are removed once they are empty;
# those of the system (lib, include) are never touched.
#   DESTDIR   as when it was installed
set(manifest ${CMAKE_CURRENT_BINARY_DIR}/install_manifest.txt)
if(NOT EXISTS ${manifest})
  message(FATAL_ERROR "Nothing was installed from here: there is no ${manifest}.")
endif()
file(STRINGS ${manifest} files)
set(removed 0)
set(folders)
foreach(file IN LISTS files)
  set(path "$ENV{DESTDIR}${file}")
  if(EXISTS "${path}" OR IS_SYMLINK "${path}")
    file(REMOVE "${path}")
    math(EXPR removed "${removed} + 1")
  endif()
  # Only what is called creche: /usr/include/creche, not /usr/include.
  string(REGEX MATCH "^.*/creche/" folder "${path}")
  if(folder)
    cmake_path(GET path PARENT_PATH parent)
    list(APPEND folders "${parent}" "${folder}")
  endif()
endforeach()
list(REMOVE_DUPLICATES folders)
list(SORT folders ORDER DESCENDING) # the innermost first
foreach(folder IN LISTS folders)
  file(GLOB left "${folder}/*")
  if(IS_DIRECTORY "${folder}" AND NOT left)
    file(REMOVE_RECURSE "${folder}")
  endif()
endforeach()
file(REMOVE ${manifest})
message(STATUS "${removed} files removed")
