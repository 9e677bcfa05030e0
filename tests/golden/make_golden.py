#!/usr/bin/env python3
"""
Makes the reference arrays in this folder: every kernel, SVDNet, both inversion networks and a training step of each, in float64, with NumPy alone.
The same bytes come out on every machine; README.md describes the files.

    make_golden.py                  writes the files beside this script
    make_golden.py --out DIR        writes them elsewhere
    make_golden.py --check          writes nothing; says whether the files are what the script makes
    make_golden.py --self-test      checks the definitions' gradients by finite differences, and their functions against other ways to compute them
"""
import argparse
import itertools
import pathlib
import sys

sys.dont_write_bytecode = True  # leave no __pycache__ in a folder of data

import golden_file
import kernel_cases
import networks
import self_test

HERE = pathlib.Path(__file__).resolve().parent


def files():
    for family, ops in itertools.groupby(kernel_cases.KERNELS, kernel_cases.family_of):
        yield f"{family}.npz", golden_file.encode([case for op in ops for case in kernel_cases.cases_of(op)])
    yield "Networks.npz", golden_file.encode(networks.cases(), networks.shared())


def check():
    wrong = [name for name, content in files() if not (HERE / name).is_file() or (HERE / name).read_bytes() != content]
    for name in wrong:
        print(f"{name} is not what this script makes")
    if not wrong:
        print("every file is what this script makes, to the byte")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=HERE, help="where to write the files")
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    parser.add_argument("--self-test", action="store_true", help="check the definitions instead of writing files")
    options = parser.parse_args()
    if options.self_test:
        return self_test.run()
    if options.check:
        return check()
    options.out.mkdir(parents=True, exist_ok=True)
    size = 0
    for name, content in files():
        (options.out / name).write_bytes(content)
        size += len(content)
    print(f"{size} bytes in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
