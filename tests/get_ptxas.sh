#!/usr/bin/env bash
# Fetches NVIDIA's assembler and disassembler: get_ptxas.sh FOLDER. They come out of Debian's package nvidia-cuda-toolkit (component non-free), which is
# downloaded and unpacked, not installed. Needs apt-get and dpkg-deb, and network; changes nothing of the system's package lists.
set -euo pipefail
folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder" "$work/lists/partial" "$work/cache/archives/partial"
. /etc/os-release
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $VERSION_CODENAME non-free" >"$work/sources.list"
options=(-qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache")
(
    cd "$work"
    apt-get "${options[@]}" update
    apt-get "${options[@]}" download nvidia-cuda-toolkit
    dpkg-deb -x nvidia-cuda-toolkit_*.deb unpacked
)
cp "$work"/unpacked/usr/bin/{ptxas,cuobjdump,nvdisasm} "$folder"
