#!/bin/bash
# Makes the corpus that the bundled detector is trained on: a given corpus plus a minute each of fourteen instrumental pieces as `nosing`, because
# a few songs hold too few instruments alone. The pieces are the music of free games, from Debian's packages (12 "bookworm"), licensed
# GPL-2 (hedgewars, extremetuxracer, frozen-bubble) and CC BY-SA 3.0 (singularity).
#
#   weights/make_corpus.sh CORPUS OUT        OUT gets links to CORPUS's files, the pieces, and filelists with them in `train`
#
# Needs apt-get and dpkg-deb (to fetch and open the packages; nothing is installed) and ffmpeg.
set -euo pipefail
[ $# -eq 2 ] && [ -d "$1/filelists" ] || { echo "usage: $0 CORPUS OUT, CORPUS with audio, labels and filelists" >&2; exit 2; }
corpus=$(cd "$1" && pwd)
target=$(realpath -m "$2")
[ ! -e "$target" ] || { echo "$target is there already: remove it or name another folder" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/corpus

mkdir -p "$out"/{audio,labels,filelists} "$work/packages"
ln -s "$corpus"/audio/* "$out/audio/"
ln -s "$corpus"/labels/* "$out/labels/"
cp "$corpus"/filelists/* "$out/filelists/"
chmod u+w "$out"/filelists/*
[ -z "$(tail -c 1 "$out/filelists/train")" ] || echo >> "$out/filelists/train"

cd "$work/packages"
apt-get download -qq hedgewars-data extremetuxracer-data frozen-bubble-data singularity-music
for package in *.deb; do dpkg-deb -x "$package" .; done
cd usr/share/games

seconds=60
for piece in hedgewars/Data/Music/{Rock,City,Freeway,Beach,Compost,Brick,Golf,bath,Desert}.ogg \
             etr/music/{freezingpoint,spunkyrace-ks}.ogg \
             frozen-bubble/snd/frozen-mainzik-1p.ogg \
             singularity/music/{Coherence,By-Product}.ogg; do
  name=instrumental_$(basename "$piece" .ogg | tr 'A-Z-' 'a-z_')
  # The beginning is often only a pad: skip it.
  ffmpeg -v fatal -nostdin -ss 15 -t $seconds -i "$piece" "$out/audio/$name.flac"
  echo "0.000 $seconds.000 nosing" > "$out/labels/$name.lab"
  echo "$name.flac" >> "$out/filelists/train"
done
mv "$out" "$target"
echo "$(wc -l < "$target/filelists/train") training files → $target"
