#!/usr/bin/env bash
# Builds the stand-in CUDA driver into a folder: build.sh FOLDER. It needs a C compiler and the built solution.
set -euo pipefail
cd "$(dirname "$0")"
out=$1
mkdir -p "$out"
rm -rf "$out/cache"
cc -O2 -shared -fPIC -fvisibility=hidden -U_FORTIFY_SOURCE -Wall -Wextra -Wno-unused-parameter -Wno-format-truncation driver/*.c \
    -o "$out/libcuda.so.1" -ldl -lpthread -lm
cp driver/kernel.h PtxToC/bin/Release/net10.0/PtxToC.{dll,runtimeconfig.json} "$out"
