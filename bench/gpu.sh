#!/bin/bash
# Every test and benchmark of the GPU backends, for a machine with an NVIDIA GPU: builds what is missing, takes
# under eight minutes, and writes one JSON. What is absent is named, in the JSON too.
# Usage: bench/gpu.sh [RESULT.json]
set -uo pipefail
cd "$(dirname "$0")/.."
source tools/build_preset.sh

result=$(realpath -m "${1:-build/gpu.json}")
folder=build/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
limit_s=${GPU_LIMIT_S:-470}

left() { echo $((limit_s - SECONDS > 5 ? limit_s - SECONDS : 5)); }

# step NAME SECONDS COMMAND...: runs a command within its time and keeps how it went.
step() {
  local name=$1 most=$2 status started=$SECONDS
  shift 2
  [ "$most" -lt "$(left)" ] || most=$(left)
  printf '\n=== %s\n' "$name"
  timeout -k 5 "$most" "$@" </dev/null 2>&1 | tee "$work/log" | tail -n 30
  status=${PIPESTATUS[0]}
  grep -E '^\[  SKIPPED \] .* \([0-9]+ ms\)' "$work/log" | sed -E "s/^\[  SKIPPED \] ([^ ]*).*/test \1/" >>"$work/absent"
  printf '%s\t%s\t%s\n' "$name" "$status" "$((SECONDS - started))" >>"$work/steps"
}

if [ ! -x "$folder/bench_gpu" ] || [ ! -x "$folder/conformance" ]; then
  build_preset release all || exit 1
  limit_s=$((limit_s + SECONDS))  # a build is not a measurement
fi

{ command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader; } \
  >"$work/gpus" 2>/dev/null || true
step "devices" 30 "$folder/crible" devices
CRIBLE_NVRTC=${CRIBLE_NVRTC:-$(tools/nvrtc)}  # the toolkit's, or a Python package's
export CRIBLE_NVRTC
[ -n "$CRIBLE_NVRTC" ] || unset CRIBLE_NVRTC
step "cuda tests" 120 "$folder/unit_cuda"
if [ -x "$folder/unit_opencl" ]; then
  step "opencl tests" 60 "$folder/unit_opencl"
else
  echo "the opencl backend: install ocl-icd-opencl-dev and build again" >>"$work/absent"
fi
step "operations and models on every device" 120 "$folder/conformance" --gtest_filter='Operations.*:Executors.*'
for section in batches ping-pong gemm arrivals; do
  step "benchmark: $section" 90 "$folder/bench_gpu" --section "$section" --json "$work/bench_$section.json"
done
if command -v compute-sanitizer >/dev/null; then
  step "compute-sanitizer" 60 compute-sanitizer --error-exitcode 9 "$folder/unit_cuda" \
    --gtest_filter='CudaBackend.EveryPathGivesTheSameBits'
else
  echo "compute-sanitizer" >>"$work/absent"
fi
step "random networks on every device" 120 "$folder/conformance" --gtest_filter='*EverySlow*'

python3 - "$work" "$result" <<'PYTHON'
import json, pathlib, sys

work, result = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


def lines(name):
    path = work / name
    return path.read_text().splitlines() if path.exists() else []


steps = [dict(zip(("name", "status", "seconds"), (n, int(s), int(t))))
         for n, s, t in (line.split("\t") for line in lines("steps"))]  # fmt: skip
absent = [{"tool": name} for name in lines("absent")]
bench = {}
for path in sorted(work.glob("bench_*.json")):
    section = json.loads(path.read_text())
    absent += section.pop("absent")
    bench |= section
summary = {"gpus": lines("gpus"), "steps": steps, "absent": absent, "bench": bench}
result.parent.mkdir(parents=True, exist_ok=True)
result.write_text(json.dumps(summary, indent=2) + "\n")
failed = [step["name"] for step in steps if step["status"] != 0]
print(f"\n{result}: {len(steps) - len(failed)} steps passed, {len(failed)} failed" + "".join(f"; {n}" for n in failed))
for entry in absent:
    print("absent: " + ", ".join(str(value) for value in entry.values()))
sys.exit(1 if failed else 0)
PYTHON
