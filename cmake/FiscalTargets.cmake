# fiscal_library(NAME SRCS ... DEPS ...)  a static library with the alias fiscal::NAME
# fiscal_binary(NAME SRCS ... DEPS ...)   a program in build/<preset>/bin
# fiscal_test(NAME SRCS ... DEPS ... [ARGS ...] [LABELS ...])  a GoogleTest program registered with ctest
# fiscal_fuzz(NAME SRCS ... DEPS ...)     a libFuzzer program, built by the fuzz preset only
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
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS "${ARG_LABELS}"
                       ENVIRONMENT "FISCAL_BIN_DIR=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endfunction()

function(fiscal_fuzz name)
  if(NOT FISCAL_FUZZ)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer,address)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer,address)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
endfunction()
