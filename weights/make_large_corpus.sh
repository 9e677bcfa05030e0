#!/bin/bash
# Makes the corpus for a detector that hears singers whom it never met, from real songs, solo singing, and instrumental music:
#
#   weights/make_large_corpus.sh OUT SONGS… VOICES        each a folder with audio, labels and filelists
#
# - SONGS: real songs. Those that weights/songs.tsv names make the folds of a cross-validation (filelists/fold1 …): a singer is in one only.
# - VOICES: solo singing; a file's name starts with its singer (xx_tenor_1_…). The singers in training are in filelists/solo, as they are and once more with
#   echoes: `svd train classifier` mixes them with the music, at random. Every fifth singer is for the validation, in mixes with instrumental music: all
#   phrases with pauses, echoes and a level of −3 to +8 dB against the music, each singer twice, over other pieces.
# - The instrumental music is that of free games in Debian 12 (weights/instrumental.tsv: packages, licences, what is left out because it sings).
#
# The music under the validation's mixes is in no other file: no singer and no piece is on both sides. OUT/SOURCES.tsv says what each file was made of. Nobody
# has listened to the music: `weights/find_voices.sh OUT` lists the pieces in which a detector hears singing.
#
# Needs apt-get, dpkg-deb and unzip (packages are fetched and opened, not installed), ffmpeg and awk. PACKAGES names a folder for the packages, to be
# used again.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: $0 OUT SONGS… VOICES, each of them with audio, labels and filelists" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
target=$(realpath -m "$1"); shift
[ ! -e "$target" ] || { echo "$target is there already: remove it or name another folder" >&2; exit 1; }
for folder; do [ -d "$folder/labels" ] || { echo "$folder has no labels: it is no corpus" >&2; exit 1; }; done
songs=("${@:1:$#-1}"); voices=$(realpath "${!#}")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
packages=$(realpath -m "${PACKAGES:-$work/packages}")
out=$work/corpus
mkdir -p "$out"/{audio,labels,filelists} "$packages" "$work/open"
tools() { ffmpeg -v error -nostdin -threads 1 "$@"; }
seconds_of() { ffprobe -v error -show_entries format=duration -of csv=p=0 "$1"; }

# A random number from 0 to $1 − 1, the same in every shell: the generator of Park and Miller.
state=1; draw() { state=$((state * 48271 % 2147483647)); drawn=$((state % $1)); }

# --- Real songs, and their folds.
for corpus in "${songs[@]}"; do
  for audio in "$(realpath "$corpus")"/audio/*; do
    file=$(basename "$audio"); name=${file%.*}
    ln -s "$audio" "$out/audio/"; ln -s "$(dirname "$audio")/../labels/$name.lab" "$out/labels/"
    echo "$file" >> "$out/filelists/train"
    awk -F'\t' -v file="$file" -v list="$out/filelists/fold" '$1 == file { print file >> (list $2) }' "$here/songs.tsv"
    echo -e "$file\t$audio" >> "$out/SOURCES.tsv"
  done
done

# --- Instrumental music: 40 s from the middle of each piece. Every eighth piece is kept for the validation.
( cd "$packages"; tail -n +2 "$here/instrumental.tsv" | cut -f1 | while read -r package; do
    compgen -G "${package}_*.deb" > /dev/null || apt-get download -qq "$package"; done )
seconds=40 pieces=0
: > "$work/music.train"; : > "$work/music.valid"
while IFS=$'\t' read -r package pattern without licence what; do
  rm -rf "$work/open"; dpkg-deb -x "$packages"/"$package"_*.deb "$work/open"
  find "$work/open" -name '*.pk3' -execdir unzip -q -o {} \;
  find "$work/open" -type f | LC_ALL=C sort > "$work/found"
  while read -r piece; do
    # shellcheck disable=SC2254 # They are patterns.
    case $piece in $pattern) ;; *) continue ;; esac
    IFS='|' read -ra left_out <<< "$without"
    for one in "${left_out[@]}"; do
      # shellcheck disable=SC2254
      case $piece in $one) continue 2 ;; esac
    done
    length=$(seconds_of "$piece" 2> /dev/null) || continue
    awk -v t="$length" -v s=$seconds 'BEGIN { exit !(t >= s) }' || continue
    folder=$(basename "$(dirname "$piece")"); name=$(basename "${piece%.*}")
    [ "$name" != guitar ] || name="${folder}_guitar"
    name=music_${package%%-*}_$(tr 'A-Z' 'a-z' <<< "$name" | sed -E 's/[^a-z0-9]+/_/g')
    [ ! -e "$out/audio/$name.wav" ] || continue
    tools -ss "$(awk -v t="$length" -v s=$seconds 'BEGIN { print 0.4 * (t - s) }')" -t $seconds -i "$piece" -ac 1 -ar 22050 "$out/audio/$name.wav" || continue
    echo "0.000 $seconds.000 nosing" > "$out/labels/$name.lab"
    echo -e "$name.wav\t$package, $(basename "$piece")\t$licence" >> "$out/SOURCES.tsv"
    pieces=$((pieces + 1)); part=train; [ $((pieces % 8)) -ne 0 ] || part=valid
    echo "$name" >> "$work/music.$part"
  done < "$work/found"
done < <(tail -n +2 "$here/instrumental.tsv")
sed 's/$/.wav/' "$work/music.train" >> "$out/filelists/train"

# --- Solo singing: alone for the training, in mixes for the validation.
singer_of() { sed -E 's/^([a-z]{2}_(alto|tenor|soprano|bass)_[0-9]+|xx)_.*/\1/' <<< "$1"; }
for audio in "$voices"/audio/*; do
  name=$(basename "${audio%.*}"); label=$voices/labels/$name.lab
  if ! grep -q ' sing$' "$label"; then
    ln -s "$audio" "$out/audio/"; ln -s "$label" "$out/labels/"; basename "$audio" >> "$out/filelists/train"; continue
  fi
  echo -e "$(singer_of "$name")\t$audio\t$label"
done > "$work/voices"
loudness() { ffmpeg -nostdin -i "$1" -af volumedetect -f null - 2>&1 | sed -nE 's/.*mean_volume: ([-0-9.]+) dB/\1/p'; }
number=0
for singer in $(cut -f1 "$work/voices" | LC_ALL=C sort -u); do
  number=$((number + 1)); part=train; [ $((number % 5)) -ne 0 ] || part=valid
  mapfile -t files < <(awk -F'\t' -v s="$singer" '$1 == s { print $2 }' "$work/voices")
  if [ $part = train ]; then
    for audio in "${files[@]}"; do
      name=$(basename "${audio%.*}")
      for as in dry echo; do
        effect=anull; [ $as = dry ] || effect="aecho=0.9:0.9:23|37|53|71|97|131|173|229:0.32|0.27|0.25|0.2|0.17|0.13|0.1|0.07"
        tools -i "$audio" -af $effect -ac 1 -ar 22050 "$out/audio/${name}_$as.wav"
        ln -s "$voices/labels/$name.lab" "$out/labels/${name}_$as.lab"; echo "${name}_$as.wav" >> "$out/filelists/solo"
        echo -e "${name}_$as.wav\t$audio" >> "$out/SOURCES.tsv"
      done
    done
    continue
  fi
  mapfile -t beds < "$work/music.valid"
  for pass in 1 2; do
    name=mix_${singer}_$pass inputs=() filter="" at=2 count=0 under=()
    : > "$work/segments"
    for audio in "${files[@]}"; do
      draw 5; pause=$((drawn + 1)); length=$(seconds_of "$audio")
      inputs+=(-i "$audio"); filter+="[$count]aresample=22050,aformat=channel_layouts=mono,apad=pad_dur=$pause[v$count];"; count=$((count + 1))
      awk -v at="$at" '$3 == "sing" { printf "%.3f %.3f sing\n", $1 + at, $2 + at }' "$voices/labels/$(basename "${audio%.*}").lab" >> "$work/segments"
      at=$(awk -v a="$at" -v l="$length" -v p=$pause 'BEGIN { print a + l + p }')
    done
    filter+=$(for ((i = 0; i < count; i++)); do printf '[v%d]' $i; done)"concat=n=$count:v=0:a=1,adelay=2000"
    tools -y "${inputs[@]}" -filter_complex "$filter" -c:a pcm_s16le "$work/voice.wav"
    for ((covered = 0; covered < ${at%.*} + 1; covered += seconds)); do draw ${#beds[@]}; under+=("${beds[drawn]}"); done
    for bed in "${under[@]}"; do echo "file '$out/audio/$bed.wav'"; done > "$work/list"
    tools -y -f concat -safe 0 -i "$work/list" -t "$at" -c:a pcm_s16le "$work/bed.wav"
    draw 111; level=$(awk -v d=$drawn 'BEGIN { print d / 10 - 3 }'); draw 30; echo=$(awk -v d=$drawn 'BEGIN { print 0.01 + d / 100 }')
    gain=$(awk -v b="$(loudness "$work/bed.wav")" -v v="$(loudness "$work/voice.wav")" -v l="$level" 'BEGIN { print b - v + l }')
    tools -y -i "$work/voice.wav" -i "$work/bed.wav" -filter_complex \
      "[0]volume=${gain}dB,aecho=1:1:37|71|113|167:$echo|$echo|$echo|$echo[v];[v][1]amix=inputs=2:normalize=0:duration=shortest,volume=-9dB,alimiter=level=0" \
      -t "$at" "$out/audio/$name.wav"

    # Phrases less than 0.4 s apart are one; what is between them is not sung.
    awk -v end="$at" 'NR == 1 { from = $1; to = $2; next } $1 - to < 0.4 { if ($2 > to) to = $2; next } { print from, to; from = $1; to = $2 }
                      END { print from, to }' "$work/segments" |
      awk -v end="$at" '{ if ($1 > last) printf "%.3f %.3f nosing\n", last, $1; printf "%.3f %.3f sing\n", $1, $2; last = $2 }
                        END { if (end > last) printf "%.3f %.3f nosing\n", last, end }' > "$out/labels/$name.lab"
    echo "$name.wav" >> "$out/filelists/valid"
    echo -e "$name.wav\t$singer over ${under[*]}, $level dB" >> "$out/SOURCES.tsv"
  done
done
mv "$out" "$target"
wc -l "$target"/filelists/*
