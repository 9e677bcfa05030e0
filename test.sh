#!/usr/bin/env bash
# Builds everything, runs every test, and ends with the line `N passed, N failed, N skipped`.
# Optional tests need ffmpeg, Chromium, an OpenCL device, a C compiler, the reference material in ../shared, and api.nuget.org (for the packages); what is
# absent is named, and its tests are skipped. Where there is no CUDA driver, the CUDA tests run on a stand-in, tests/CudaStandIn, which runs GPU code on the
# processor.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

has_opencl() { ldconfig -p 2>/dev/null | grep 'libOpenCL\.so\.1 ' >/dev/null && compgen -G '/etc/OpenCL/vendors/*.icd' >/dev/null; }
has_browser() { command -v chromedriver >/dev/null && { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null; }
has_cuda() { ldconfig -p 2>/dev/null | grep 'libcuda\.so\.1 ' >/dev/null; }
missing=()
command -v ffmpeg >/dev/null || missing+=(ffmpeg)
has_browser || missing+=(chromium chromium-driver)
has_opencl || missing+=(ocl-icd-opencl-dev pocl-opencl-icd) # the loader, and a driver that needs no GPU
command -v cc >/dev/null || missing+=(gcc libc6-dev)
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "installing ${missing[*]}"
    apt-get update >/dev/null 2>&1
    # One by one: what a distribution lacks does not keep the others away.
    for package in "${missing[@]}"; do apt-get install -y --no-install-recommends "$package" >/dev/null 2>&1 || true; done
fi
command -v ffmpeg >/dev/null || echo "without ffmpeg: tests that decode music are skipped"
has_browser || echo "without chromium and chromedriver: tests of pages in a browser are skipped"
has_opencl || echo "without OpenCL: tests on an OpenCL device are skipped"
[ -d ../shared/reference ] || echo "without ../shared: tests against the reference material are skipped"

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
dotnet build Engine.sln -c Release --nologo -v quiet || exit 1
if [ "$(uname)" = Linux ] && ! has_cuda; then
    if command -v cc >/dev/null; then
        tests/CudaStandIn/build.sh "$PWD/tests/CudaStandIn/bin" || exit 1
        export LD_LIBRARY_PATH="$PWD/tests/CudaStandIn/bin${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    else
        echo "without a C compiler: tests on the stand-in CUDA driver are skipped"
    fi
fi
dotnet test Engine.sln -c Release --no-build --nologo --results-directory "$results" --logger trx --logger "console;verbosity=minimal"
status=$?

count() { # the sum of one counter over all result files
    sed -n "s/.*<Counters [^>]*$1=\"\([0-9]*\)\".*/\1/p" "$results"/*.trx 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'
}
total=$(count total) passed=$(count passed) failed=$(count failed)
[ "$total" -gt 0 ] || { echo "no test ran" >&2; exit 1; }
echo "$passed passed, $failed failed, $((total - passed - failed)) skipped"
exit "$status"
