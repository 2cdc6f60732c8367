#!/bin/sh
# Builds test/native/program_{test,bench} against the LibTorch and oneDNN of the distribution.
# Usage: program.sh [FOLDER]; then FOLDER/program_test, FOLDER/program_bench.
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$root/build/native-test}
mkdir -p "$out"
make -s -C "$root" -f test/native/program.mk OUT="$out"
