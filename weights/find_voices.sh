#!/bin/bash
# Lists in which pieces of instrumental music a detector hears singing: they may sing, or be what the detector takes for it.
#
#   weights/find_voices.sh CORPUS [OPTIONS OF svd predict]        CORPUS from make_large_corpus.sh
#
# Writes CORPUS/flagged.tsv: the share of the frames that the detector calls sung, and the piece, the most first. Pieces that do sing belong into the
# column `without` of weights/instrumental.tsv.
set -euo pipefail
[ $# -ge 1 ] && [ -d "$1/audio" ] || { echo "usage: $0 CORPUS [OPTIONS OF svd predict]" >&2; exit 2; }
corpus=$1; shift
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
svd=$(cd "$(dirname "$0")/.." && pwd)/src/Svd/bin/Release/net10.0/svd.dll
dotnet "$svd" predict "$corpus"/audio/music_*.flac --out "$work" "$@" > /dev/null
for segments in "$work"/*.lab; do
  awk -v name="$(basename "${segments%.lab}")" '{ all += $2 - $1 } $3 == "sing" { sung += $2 - $1 } END { printf "%.3f\t%s\n", sung / all, name }' "$segments"
done | sort -rn > "$corpus/flagged.tsv"
head -30 "$corpus/flagged.tsv"
