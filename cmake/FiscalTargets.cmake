# fiscal_library(NAME SRCS ... DEPS ...)  a static library with the alias fiscal::NAME
# fiscal_binary(NAME SRCS ... DEPS ...)   a program in build/<preset>/bin
# fiscal_test(NAME SRCS ... DEPS ... [ARGS ...] [LABELS ...])  a GoogleTest program, known to ctest
# fiscal_fuzz(NAME SRCS ... DEPS ...)     a libFuzzer program of the fuzz preset; others compile it
function(fiscal_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_library(fiscal_${name} STATIC ${ARG_SRCS})
  target_link_libraries(fiscal_${name} PUBLIC ${ARG_DEPS})
  add_library(fiscal::${name} ALIAS fiscal_${name})
endfunction()

function(fiscal_binary name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
endfunction()

function(fiscal_test name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;ARGS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_options(${name} PRIVATE ${FISCAL_TEST_OPTIONS})
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 1200 LABELS "${ARG_LABELS}"
                       ENVIRONMENT "FISCAL_BIN_DIR=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endfunction()

function(fiscal_fuzz name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  if(NOT FISCAL_FUZZ)
    # So that it still compiles when it is wanted.
    add_library(${name} OBJECT ${ARG_SRCS})
    target_link_libraries(${name} PRIVATE ${ARG_DEPS})
    return()
  endif()
  add_executable(${name} ${ARG_SRCS})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer,address)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer,address)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
endfunction()

# fiscal_embed(NAME FILES ...)  a library with the function of domain/data/shipped.h, over FILES
function(fiscal_embed name)
  cmake_parse_arguments(ARG "" "" "FILES" ${ARGN})
  set(OUT ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cc)
  set(PATHS)
  foreach(FILE ${ARG_FILES})
    list(APPEND PATHS ${CMAKE_CURRENT_SOURCE_DIR}/${FILE})
  endforeach()
  add_custom_command(
    OUTPUT ${OUT}
    COMMAND ${CMAKE_COMMAND} -DOUT=${OUT} "-DFILES=${ARG_FILES}" -DDIR=${CMAKE_CURRENT_SOURCE_DIR}
            -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${PATHS} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    VERBATIM)
  fiscal_library(${name} SRCS ${OUT} DEPS absl::strings)
endfunction()
