"""The files of reference arrays: zip archives of .npy arrays, not compressed, so that the same arrays give the same bytes everywhere."""
import io
import json
import math
import zipfile

import numpy as np

EPOCH = (1980, 1, 1, 0, 0, 0)


class Case:
    """One call of an operation: settings, inputs in float32, outputs in float64."""

    def __init__(self, op, settings):
        self.op, self.settings, self.arrays = op, settings, {}
        self.tolerance, self.size, self.largest = {}, {}, {}

    def description(self):
        """What the file says beside the arrays, as JSON."""
        sampled = {"size": self.size, "largest": self.largest} if self.size else {}
        return json.dumps({"op": self.op, "settings": self.settings, "tolerance": self.tolerance, **sampled})

    def inputs(self, **operands):
        """Adds inputs, which float32 must hold as they are; None is left out."""
        for name, values in operands.items():
            if values is None:
                continue
            rounded = np.float32(values)
            assert np.array_equal(rounded, values), f"{self.op}: float32 does not hold {name}"
            self.arrays[f"in/{name}"] = rounded
        return self

    def output(self, name, values, tolerance, count=200, indices=None):
        """
        Adds an output, and how far off it may be, relative to its largest absolute value. Of one with more than twice `count` values, or where indices
        say which, the file holds only some values, and the sums of what its two leading axes number: planes of maps, columns of filters.
        """
        values = np.asarray(values, np.float64)
        self.tolerance[name] = float(f"{tolerance:.3g}")
        if indices is None and values.size <= 2 * count:
            self.arrays[f"out/{name}"] = values
            return self
        flat = values.ravel()
        if indices is None:
            # Steps of the golden ratio: spread evenly, and no stride of the array.
            indices = np.unique((np.arange(1, count + 1) * 0.6180339887498949 % 1 * flat.size).astype(np.int64))
        blocks = values.reshape(-1, int(np.prod(values.shape[2:]))) if values.ndim > 2 else flat.reshape(-1, values.shape[-1])
        while len(blocks) > count and len(blocks) % 2 == 0:
            blocks = blocks.reshape(len(blocks) // 2, -1)
        self.arrays[f"sample/{name}"] = np.stack([indices.astype(np.float64), flat[indices]])
        self.arrays[f"sum/{name}"] = np.array([math.fsum(block.tolist()) for block in blocks])
        self.size[name] = flat.size
        self.largest[name] = float(np.abs(flat).max())
        return self


def encode(cases, shared=None):
    """The bytes of a file of cases, and of arrays that they have in common."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, values in (shared or {}).items():
            _add(archive, name, values)
        for number, case in enumerate(cases):
            description = np.frombuffer(case.description().encode(), np.uint8)
            for name, values in {"description": description, **case.arrays}.items():
                _add(archive, f"case{number}/{name}", values)
    return content.getvalue()


def _add(archive, name, values):
    array = io.BytesIO()
    np.lib.format.write_array(array, np.ascontiguousarray(values).reshape(values.shape), version=(1, 0))
    entry = zipfile.ZipInfo(f"{name}.npy", EPOCH)
    entry.create_system = 3  # as on Unix, wherever this runs
    archive.writestr(entry, array.getvalue())
