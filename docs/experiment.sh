#!/bin/bash
# The whole experiment that docs/experiment.md reports, from a corpus to every table and figure.
#
#   docs/experiment.sh CORPUS OUT [STEP…]        CORPUS in the Jamendo layout
#
# Steps: data train score paper methods transfer localise layers figures perturbation sanity reconstruction neurons, all by default
#        folds, for a CORPUS that weights/make_large_corpus.sh made: explanations by cross-validation. FOLDS names the folds (fold1 fold2 fold3 fold4).
#
# Trainings keep checkpoints in OUT and resume from there. On two cores the whole experiment takes about two hours; half of that is the training of the two
# detectors. A fold takes about half an hour. With PUBLISHED_FIG5=FILE, the published curves are drawn beside the figure.
set -euo pipefail
[ $# -ge 2 ] && [ -d "$1/filelists" ] || { echo "usage: $0 CORPUS OUT [STEP…], CORPUS with audio, labels and filelists" >&2; exit 2; }
corpus=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
shift 2
steps=" ${*:-data train score paper methods transfer localise layers figures perturbation sanity reconstruction neurons} "
cd "$(dirname "$0")/.."
dotnet build src/Svd -c Release --nologo -v quiet
svd() { dotnet src/Svd/bin/Release/net10.0/svd.dll "$@"; }
does() { [[ $steps == *" $1 "* ]]; }
own=(--classifier "$out/svdnet.npz" --stats "$out/svdnet.meanstd.npz")
networks=("${own[@]}" --inverter "$out/inverter.npz")

if does data; then
  [ -d "$out/corpus" ] || weights/make_corpus.sh "$corpus" "$out/corpus"
  [ -d "$out/stems" ] || samples/make_stems.sh "$out/stems"
fi

if does train; then
  svd train classifier --data "$out/corpus" --epochs 16 --batches 500 --seed 1 --checkpoint "$out/run-svdnet" --out "$out/svdnet.npz"
  svd train classifier --data "$out/corpus" --epochs 6 --batches 500 --seed 2 --checkpoint "$out/run-second" --out "$out/svdnet-second.npz"
  for size in paper published; do
    svd train inverter --data "$out/corpus" "${own[@]}" --architecture $size --checkpoint "$out/run-inverter-$size" --out "$out/inverter-$size.npz"
  done
  cp "$out/inverter-paper.npz" "$out/inverter.npz"
  svd train masker --data "$out/corpus" "${own[@]}" --checkpoint "$out/run-masker" --out "$out/masker.npz"
fi

# Detection for each song.
if does score; then
  for split in valid test; do svd score --data "$corpus" --split $split "${own[@]}" --out "$out/score-$split"; done
  svd score --data "$corpus" --classifier "$out/svdnet-second.npz" --stats "$out/svdnet-second.meanstd.npz" --out "$out/score-second"
fi

# The paper's Fig. 5, in both sizes of the inversion network.
if does paper; then
  for size in paper published; do
    svd evaluate --data "$corpus" "${own[@]}" --inverter "$out/inverter-$size.npz" --start 5 --out "$out/evaluation-$size" \
      ${PUBLISHED_FIG5:+--compare "$PUBLISHED_FIG5"}
  done
fi

# Is the mask better than chance? At the inversion mask's own area, and at equal shares.
if does methods; then
  svd evaluate --data "$corpus" "${networks[@]}" --masker "$out/masker.npz" --start 5 --methods all --threshold 0.6,otsu --area 0.4,0.2,0.1 --out "$out/methods"
fi

# Do the regions work for another detector and with other fillings?
if does transfer; then
  svd evaluate --data "$corpus" "${networks[@]}" --masker "$out/masker.npz" --start 5 --area 0.2 --judge "$out/svdnet-second.npz" --fill zero,m2,blur \
    --methods inversion,mask,random,loudest,gradient-input --out "$out/transfer"
fi

# Songs whose voice is known.
if does localise; then svd localise --stems "$out/stems" "${networks[@]}" --masker "$out/masker.npz" --out "$out/localisation"; fi

# What the layers keep of an excerpt: an inversion network for each, in both designs. EPOCHS_OF_LAYERS and HOP_OF_LAYERS make the trainings shorter.
if does layers; then
  for design in published matched; do
    mkdir -p "$out/inverters-$design"
    for layer in conv1 conv2 mp3 conv4 conv5 mp6 fc7 fc8; do
      svd train inverter --data "$out/corpus" "${own[@]}" --layer $layer --architecture $design --epochs "${EPOCHS_OF_LAYERS:-30}" \
        --hop "${HOP_OF_LAYERS:-10}" --checkpoint "$out/run-$design-$layer" --out "$out/inverters-$design/inverter-$layer.npz"
    done
  done
  svd reconstruct --data "$corpus" "${own[@]}" --inverter "$out/inverters-published" --inverter "$out/inverters-matched" --out "$out/reconstruction"
fi

# Each song explained by networks that never met its singer. The mask network has a second detector in its loop, that of the next fold, and a third one judges.
# Their statistics are those of other songs, hence --force.
if does folds; then
  folds=(${FOLDS:-fold1 fold2 fold3 fold4})
  mkdir -p "$out/folds" "$out/judges"
  for fold in "${folds[@]}"; do
    svd train classifier --data "$corpus" --hold-out "$fold" --epochs 10 --batches 300 --checkpoint "$out/run-$fold" --out "$out/folds/$fold.npz"
  done
  svd score --data "$corpus" --folds "$out/folds" --out "$out/score-folds"
  for i in "${!folds[@]}"; do
    fold=${folds[i]} next=${folds[(i + 1) % ${#folds[@]}]} judge=${folds[(i + 2) % ${#folds[@]}]}
    its=(--data "$corpus" --hold-out "$fold" --classifier "$out/folds/$fold.npz" --stats "$out/folds/$fold.meanstd.npz" --hop 100)
    svd train inverter "${its[@]}" --checkpoint "$out/run-$fold-inverter" --out "$out/folds/$fold.inverter.npz"
    svd train masker "${its[@]}" --judge "$out/folds/$next.npz" --force --checkpoint "$out/run-$fold-masker" --out "$out/folds/$fold.masker.npz"
    cp "$out/folds/$judge.npz" "$out/judges/$fold.npz"
  done
  svd evaluate --data "$corpus" --folds "$out/folds" --judge "$out/judges" --force --start 5 --every 2 --excerpts 100 --threshold 0.6 --area 0.2 \
    --methods inversion,mask,random,other,average,loudest,gradient-input --out "$out/folds-methods"
fi

# The paper's Fig. 4: excerpts in whose middle the voice starts according to the labels (SONG@SECONDS in FIGURES), by both methods.
if does figures; then
  for at in ${FIGURES:-jonathan_coulton_better.mp3@136.454 joshua_morin_on_the_run.ogg@73.405}; do
    svd explain "$corpus/audio/${at%%@*}" --at "${at##*@}" "${networks[@]}" --masker "$out/masker.npz" --method both --listen \
      --out "$out/figure-${at##*@}"
    [ ! -d "$out/inverters-matched" ] || svd explain "$corpus/audio/${at%%@*}" --at "${at##*@}" "${own[@]}" --layer all --inverter "$out/inverters-matched" \
      --out "$out/figure-${at##*@}"
  done
fi

# Of all methods on fewer excerpts: what happens when regions are removed, and when the detector's weights become random.
if does perturbation; then
  svd evaluate --data "$corpus" "${networks[@]}" --masker "$out/masker.npz" --start 5 --every 20 --methods all --measure perturbation --out "$out/curves"
fi
if does sanity; then
  svd evaluate --data "$corpus" "${networks[@]}" --masker "$out/masker.npz" --start 5 --every 40 --methods all --measure sanity --out "$out/curves"
fi

# The paper's Eq. 1 beside its network.
if does reconstruction; then
  svd evaluate --data "$corpus" "${networks[@]}" --start 5 --every 40 --methods inversion,optimise,other,average --measure reconstruction \
    --out "$out/curves"
fi

# What some neurons react to.
if does neurons; then
  for neurons in conv1:3,20 conv5:10,40 fc8:3,12,40 fc9:0; do
    svd maximise --layer "${neurons%%:*}" --neuron "${neurons##*:}" "${own[@]}" --song "$corpus/audio/jonathan_coulton_better.mp3" --listen --overwrite \
      --out "$out/neurons"
  done
fi
