#!/bin/sh
# Builds and runs the tests of the CPU loops, or with `bench` as first argument their benchmark:
#   test/native/kernels_build.sh [bench] [folder for the objects]
set -e
here=$(cd "$(dirname "$0")" && pwd)
loops=$here/../../native/kernels
main=kernels_test
if [ "$1" = bench ]; then
  main=kernels_bench
  shift
fi
out=${1:-${TMPDIR:-/tmp}/gradring-kernels}
mkdir -p "$out"
case $(uname -m) in
  x86_64) sets='base:x86-64 v3:x86-64-v3 v4:x86-64-v4 v4bf16:x86-64-v4,-mavx512bf16' ;;
  *) sets='base:' ;;
esac

# compile <source> <object> <flags …>
compile() {
  source=$1 object=$2
  shift 2
  newer=$(find "$loops" "$here" -name '*.h' -newer "$object" 2>/dev/null || echo missing)
  if [ ! -f "$object" ] || [ "$source" -nt "$object" ] || [ -n "$newer" ]; then
    "${CXX:-c++}" -std=c++17 -Wall -Wextra "$@" -c "$source" -o "$object"
  fi
}

objects=
for source in "$loops"/*.cc "$here/$main.cc"; do
  object=$out/$(basename "$source" .cc).o
  compile "$source" "$object" -O2
  objects="$objects $object"
done
if [ $main = kernels_test ]; then
  for source in "$here"/kernels_*_test.cc; do
    object=$out/$(basename "$source" .cc).o
    compile "$source" "$object" -O1
    objects="$objects $object"
  done
fi
for source in "$loops"/isa/*.cc; do
  for set in $sets; do
    object=$out/$(basename "$source" .cc).${set%%:*}.o
    march=$(echo "${set#*:}" | tr , ' ')
    compile "$source" "$object" -O3 "-DGRADRING_ISA=${set%%:*}" ${march:+-march=$march}
    objects="$objects $object"
  done
done
# shellcheck disable=SC2086
"${CXX:-c++}" $objects -o "$out/$main"
"$out/$main"
