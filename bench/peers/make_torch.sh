#!/usr/bin/env bash
# Makes a folder with Debian 13's PyTorch 2.6, which computes convolutions with oneDNN; Debian 12's PyTorch does not. It takes 2 GB.
# Needs root on a Debian system, with debootstrap (apt install debootstrap). Then: bench -- report --python FOLDER/python3
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "debootstrap is missing: apt install debootstrap" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "debootstrap needs root" >&2; exit 1; }
mkdir -p "$1"
[ -x "$1/root/usr/bin/python3" ] || debootstrap --variant=minbase --include=python3-torch,python3-numpy trixie "$1/root"
cat >"$1/python3" <<'WRAPPER'
#!/bin/sh
# Runs the Python of the folder beside this file. It sees the folders of its arguments.
exec unshare --mount sh -c '
    root=$1
    shift
    mount --rbind /proc "$root/proc"
    for path in "$@"; do
        [ -e "$path" ] || continue
        folder=$(readlink -f "$path")
        [ -d "$folder" ] || folder=$(dirname "$folder")
        mkdir -p "$root$folder"
        mount --bind "$folder" "$root$folder"
    done
    exec chroot "$root" python3 "$@"' sh "$(dirname "$(readlink -f "$0")")/root" "$@"
WRAPPER
chmod +x "$1/python3"
"$1/python3" -c 'import torch; print("PyTorch", torch.__version__, "with oneDNN" if torch.backends.mkldnn.is_available() else "without oneDNN")'
