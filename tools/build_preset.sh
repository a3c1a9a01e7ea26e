# Sourced by tools/demo, tools/test and .ci/run.

# build_preset PRESET [TARGET...]: configures and builds, quietly when there is nothing to do; says on
# failure where the whole log is. CRIBLE_CMAKE_OPTIONS is handed to cmake.
build_preset() {
  local preset=$1
  shift
  local folder=build/$preset log=build/$preset.log targets=() started=$SECONDS
  for target in "$@"; do targets+=(--target "$target"); done
  mkdir -p build
  if [ ! -e "$folder/build.ninja" ]; then
    echo "build: configuring and building $folder (some minutes the first time)"
  fi
  # shellcheck disable=SC2086
  if ! { cmake --preset "$preset" ${CRIBLE_CMAKE_OPTIONS:-} && cmake --build --preset "$preset" "${targets[@]}" -- -k 0; } \
    >"$log" 2>&1 </dev/null; then
    grep -E -A 5 'error:|CMake Error' "$log" | head -n 60 >&2 || tail -n 40 "$log" >&2
    echo "build: $folder failed; the whole log is $log" >&2
    return 1
  fi
  if [ $((SECONDS - started)) -gt 5 ]; then
    echo "build: $folder done in $((SECONDS - started)) s"
  fi
}
