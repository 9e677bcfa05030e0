#!/bin/bash
# The whole experiment that docs/experiment.md reports, from a corpus to every table and figure.
#
#   docs/experiment.sh CORPUS OUT [STEP…]        CORPUS made by weights/make_large_corpus.sh
#
# Steps: networks folds score paper methods localise layers figures perturbation sanity reconstruction neurons, all by default.
#
# Trainings keep checkpoints in OUT and resume from there. On two cores the whole takes a night; half of it is the trainings of the layers' inversion networks.
# VOICES=DIR, the solo singing that CORPUS was made of, adds songs with known voices; PUBLISHED_FIG5=FILE draws the published curves beside ours.
# TRIAL=N puts N in the place of every number of epochs, batches and excerpts, to see that all of it runs, in minutes if the songs are short. It needs an OUT
# of its own.
set -euo pipefail
[ $# -ge 2 ] && [ -d "$1/filelists" ] || { echo "usage: $0 CORPUS OUT [STEP…], CORPUS with audio, labels and filelists" >&2; exit 2; }
corpus=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
shift 2
steps=" ${*:-networks folds score paper methods localise layers figures perturbation sanity reconstruction neurons} "
cd "$(dirname "$0")/.."
dotnet build src/Svd -c Release --nologo -v quiet
svd() { dotnet src/Svd/bin/Release/net10.0/svd.dll "$@"; }
of() { echo "${TRIAL:-$1}"; }
does() { [[ $steps == *" $1 "* ]]; }
folds=(fold1 fold2 fold3 fold4)
recipe=(--epochs "$(of 10)" --batches "$(of 300)")
own=(--classifier "$out/svdnet.npz" --stats "$out/svdnet.meanstd.npz")
networks=("${own[@]}" --inverter "$out/inverter.npz" --masker "$out/masker.npz")

# Inversion and mask networks are trained with the songs and every fourth piece of instrumental music.
songs=$out/corpus
if [ ! -d "$songs" ]; then
  mkdir -p "$songs/filelists"
  ln -s "$corpus/audio" "$corpus/labels" "$songs"
  cp "$corpus"/filelists/{valid,fold?} "$songs/filelists"
  { cat "$corpus"/filelists/fold?; grep '^music_' "$corpus/filelists/train" | awk 'NR % 4 == 1'; } > "$songs/filelists/train"
fi

# The detector, two more from other seeds, and what explains it. The second detector is in the loop of the mask network's training; the third is not, and
# judges.
if does networks; then
  seed=0
  for detector in svdnet svdnet-second svdnet-third; do
    seed=$((seed + 1))
    svd train classifier --data "$corpus" "${recipe[@]}" --seed $seed --checkpoint "$out/run-$detector" --out "$out/$detector.npz"
  done
  for size in paper published; do
    svd train inverter --data "$songs" "${own[@]}" --architecture $size --hop 25 --epochs "$(of 30)" --checkpoint "$out/run-inverter-$size" \
      --out "$out/inverter-$size.npz"
  done
  cp "$out/inverter-paper.npz" "$out/inverter.npz"
  svd train masker --data "$songs" "${own[@]}" --judge "$out/svdnet-second.npz" --hop 50 --epochs "$(of 3)" --checkpoint "$out/run-masker" \
    --out "$out/masker.npz"
fi

# Networks that never met the singers of a fold. The mask network has another fold's detector in its loop, and the third detector judges. Their statistics are
# those of other songs, hence --force.
if does folds; then
  mkdir -p "$out/folds" "$out/judges"
  for fold in "${folds[@]}"; do
    svd train classifier --data "$corpus" --hold-out "$fold" "${recipe[@]}" --checkpoint "$out/run-$fold" --out "$out/folds/$fold.npz"
    cp "$out/svdnet-third.npz" "$out/judges/$fold.npz"
  done
  for i in "${!folds[@]}"; do
    fold=${folds[i]} other=${folds[${#folds[@]} - 1 - i]}
    its=(--data "$songs" --hold-out "$fold" --classifier "$out/folds/$fold.npz" --stats "$out/folds/$fold.meanstd.npz")
    svd train inverter "${its[@]}" --hop 50 --epochs "$(of 12)" --checkpoint "$out/run-$fold-inverter" --out "$out/folds/$fold.inverter.npz"
    svd train masker "${its[@]}" --hop 100 --epochs "$(of 3)" --judge "$out/folds/$other.npz" --force --checkpoint "$out/run-$fold-masker" \
      --out "$out/folds/$fold.masker.npz"
  done
fi

# Detection for each song.
if does score; then svd score --data "$corpus" --folds "$out/folds" --out "$out/score"; fi

explain=(--data "$corpus" --folds "$out/folds" --class-threshold "${THRESHOLD:-0.666}" --start 5)

# The paper's Fig. 5.
if does paper; then
  svd evaluate "${explain[@]}" --every 2 --excerpts "$(of 100)" --out "$out/paper" ${PUBLISHED_FIG5:+--compare "$PUBLISHED_FIG5"}
fi

# Do the regions decide, also for another detector and with other fillings? The quick methods on many excerpts, and all of them on a few.
if does methods; then
  judged=(--judge "$out/judges" --force)
  svd evaluate "${explain[@]}" --every 2 --excerpts "$(of 100)" --methods inversion,mask,random,other,average,loudest,gradient-input \
    --threshold 0.6 --area 0.2 --fill zero,m2,blur "${judged[@]}" --out "$out/quick"
  svd evaluate "${explain[@]}" --every 20 --excerpts "$(of 10)" --methods all --threshold 0.6,otsu --area 0.2,0.1 "${judged[@]}" --out "$out/all"
fi

# Songs whose voice is known: speech that was made to sing, and solo singing.
if does localise; then
  [ -d "$out/stems" ] || samples/make_stems.sh "$out/stems"
  # Debian's Python comes first: it has the NumPy that make_stems.sh installs.
  [ -z "${VOICES:-}" ] || [ -d "$out/voices" ] || PATH=/usr/bin:$PATH samples/make_voice_stems.py "$corpus" "$VOICES" "$out/voices"
  for kind in stems voices; do
    [ ! -d "$out/$kind" ] || svd localise --stems "$out/$kind" "${networks[@]}" --excerpts "$(of 4)" --out "$out/localisation-$kind"
  done
fi

# What the layers keep of an excerpt: an inversion network for each, in both designs. EPOCHS_OF_LAYERS and HOP_OF_LAYERS make the trainings shorter.
if does layers; then
  for design in published matched; do
    mkdir -p "$out/inverters-$design"
    for layer in conv1 conv2 mp3 conv4 conv5 mp6 fc7 fc8; do
      svd train inverter --data "$songs" "${own[@]}" --layer $layer --architecture $design --epochs "${EPOCHS_OF_LAYERS:-$(of 10)}" \
        --hop "${HOP_OF_LAYERS:-25}" --checkpoint "$out/run-$design-$layer" --out "$out/inverters-$design/inverter-$layer.npz"
    done
  done
  svd reconstruct --data "$corpus" --split valid "${own[@]}" --inverter "$out/inverters-published" --inverter "$out/inverters-matched" \
    --out "$out/reconstruction"
fi

# The paper's Fig. 4: excerpts in whose middle the voice starts according to the labels (SONG@SECONDS@FOLD in FIGURES), by both methods.
if does figures; then
  for figure in ${FIGURES:-jonathan_coulton_better.mp3@136.454@fold1 joshua_morin_on_the_run.ogg@73.405@fold2}; do
    IFS=@ read -r song at fold <<< "$figure"
    its=$out/folds/$fold
    svd explain "$corpus/audio/$song" --at "$at" --classifier "$its.npz" --stats "$its.meanstd.npz" --inverter "$its.inverter.npz" \
      --masker "$its.masker.npz" --class-threshold "${THRESHOLD:-0.666}" --method both --listen --overwrite --out "$out/figures"
  done
fi

# Of all methods on fewer excerpts: what happens when regions are removed, and when the detector's weights become random.
if does perturbation; then
  svd evaluate "${explain[@]}" --every 60 --excerpts "$(of 3)" --methods all --measure perturbation --out "$out/curves"
fi
if does sanity; then
  svd evaluate "${explain[@]}" --excerpts 1 --methods all --measure sanity --out "$out/curves"
fi

# The paper's Eq. 1 beside its network.
if does reconstruction; then
  svd evaluate "${explain[@]}" --every 40 --excerpts "$(of 5)" --methods inversion,optimise,other,average --measure reconstruction --out "$out/curves"
fi

# What some neurons react to.
if does neurons; then
  for neurons in conv1:3,20 conv5:10,40 fc8:3,12,40 fc9:0; do
    svd maximise --layer "${neurons%%:*}" --neuron "${neurons##*:}" "${own[@]}" --listen --overwrite --out "$out/neurons"
  done
fi
