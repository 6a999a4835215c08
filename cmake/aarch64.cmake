# Builds for 64-bit ARM with Debian's cross compiler. The libraries are those of a tree of Debian's
# arm64 packages at FISCAL_SYSROOT, which scripts/cross_aarch64.sh makes; what runs during the build
# (protoc) is this machine's.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

# CMake's own tests of the compiler read this file too.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES FISCAL_SYSROOT)
set(CMAKE_SYSROOT ${FISCAL_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${FISCAL_SYSROOT})
string(JOIN : FISCAL_PKG_CONFIG_DIRS
       ${FISCAL_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig
       ${FISCAL_SYSROOT}/usr/lib/pkgconfig
       ${FISCAL_SYSROOT}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_LIBDIR} ${FISCAL_PKG_CONFIG_DIRS})

# The cross compiler looks for linkers by its own prefix; this machine's mold has none.
set(MOLD OFF CACHE STRING "")

# Programs of this build that the build runs.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L ${FISCAL_SYSROOT})
