# Compiler settings common to every target, chosen by the presets in CMakePresets.json.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

set(FISCAL_SANITIZE "" CACHE STRING "address, thread or empty")
set(FISCAL_ROCKSDB "" CACHE PATH "Where scripts/rocksdb.sh put RocksDB; empty for Debian's")
option(FISCAL_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
option(FISCAL_COVERAGE "Instrument for coverage" OFF)
option(FISCAL_TIDY "Run clang-tidy on every source" OFF)
option(FISCAL_WERROR "Treat warnings as errors" ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# Our own checks (base/check.h) stay on in every build: a broken invariant stops the process instead
# of spoiling totals. NDEBUG turns off those of the libraries' headers.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

add_compile_options(-Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers)
if(FISCAL_WERROR)
  add_compile_options(-Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # False alarms of gcc 12 inside the standard library and Abseil.
    add_compile_options(-Wno-error=maybe-uninitialized -Wno-error=stringop-overflow
                        -Wno-error=array-bounds -Wno-error=restrict)
  endif()
endif()
if(FISCAL_FUZZ)
  # Every library counts its edges; only the fuzz programs bring libFuzzer's main.
  add_compile_options(-fsanitize=fuzzer-no-link,address)
  add_link_options(-fsanitize=address)
endif()
if(FISCAL_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=address,undefined)
elseif(FISCAL_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -g1)
  add_link_options(-fsanitize=thread)
endif()
if(FISCAL_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
if(FISCAL_TIDY)
  find_program(CLANG_TIDY NAMES clang-tidy-14 clang-tidy REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY ${CLANG_TIDY})
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# The servers allocate and free from many threads: docs/adr/0006 has what jemalloc saves. Sanitizers
# and fuzzers bring their own.
if(NOT FISCAL_SANITIZE AND NOT FISCAL_FUZZ)
  find_library(JEMALLOC jemalloc REQUIRED)
endif()
