#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Our training step beside PyTorch's, step by step in turn: A, B, A, B, ... Prints medians, their ratio and the peak memory of each process.

    python bench/peer.py --models SAIM_B16,MAE_B16 --batches 8 --precisions fp32
    python bench/peer.py --models SemAIM_Pico --batches 256 --micro-batch 32
    python bench/peer.py --data PICTURES                     decoding and augmentation instead, beside torchvision
    python bench/peer.py --earlier OTHER/build/release/bench --steps 20      beside another build of ours instead

Needs torch (and torchvision) in the Python that runs it, and the programs of build/release/bench (cmake --preset release && cmake --build build/release).
"""

import argparse
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


class Server:
    """A program that makes one step for each line."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.size = int(self.answer()[0])  # parameters of the model, or pictures of the folder
        self.seconds, self.peak = [], 0

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"peer.py: '{' '.join(self.process.args)}' ended early with code {self.process.wait()}")
        return line.split()

    def step(self, counts):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, peak, _ = self.answer()
        self.peak = int(peak)
        if counts:
            self.seconds.append(float(seconds))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def take_turns(ours, theirs, steps):
    """Runs both; -> the median of the ratios of adjacent steps."""
    for number in range(steps + 1):  # the first takes memory, and compiles
        ours.step(number > 0)
        theirs.step(number > 0)
    ours.close()
    theirs.close()
    return statistics.median(b / a for a, b in zip(ours.seconds, theirs.seconds))


def data_path(options):
    for form, name in [("pil", "Pillow"), ("tensor", "its own decoder")]:
        ours = Server([str(options.programs / "bench_data_path"), "--data", options.data, "--size", options.size])
        theirs = Server([sys.executable, str(HERE / "torch_data.py"), options.data, options.size, form])
        if ours.size != theirs.size:
            raise SystemExit(f"peer.py: {options.data} holds {ours.size} pictures for us and {theirs.size} for torchvision; give a folder without other files.")
        ratio = take_turns(ours, theirs, options.steps)
        a, b = (s.size / statistics.median(s.seconds) for s in (ours, theirs))
        print(f"{ours.size} pictures to {options.size}x{options.size}, one thread: {a:.0f} images/s, torchvision on {name} {b:.0f}; {ratio:.2f}x", flush=True)


def our_server(programs, model, batch, precision, options):
    return Server([str(programs / "bench_train_step"), "--serve", "--models", model, "--batches", batch, "--precisions", precision,
                   "--threads", options.threads, "--micro-batch", options.micro_batch])


def beside_earlier(options):
    print(f"{'model':14} {'':5} {'batch':>5} {'ours, images/s':>15} {'earlier':>9} {'ratio':>7} {'ours, GiB':>10} {'earlier':>8}")
    for model in options.models.split(","):
        for precision in options.precisions.split(","):
            for batch in options.batches.split(","):
                ours, theirs = (our_server(programs, model, batch, precision, options) for programs in (options.programs, options.earlier))
                ratio = take_turns(ours, theirs, options.steps)
                a, b = (int(batch) / statistics.median(s.seconds) for s in (ours, theirs))
                print(f"{model:14} {precision:5} {batch:>5} {a:15.2f} {b:9.2f} {ratio:6.3f}x {ours.peak / 2**30:10.2f} {theirs.peak / 2**30:8.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="SAIM_B16,SemAIM_B16,MAE_B16,ViT_iGPT_B16")
    parser.add_argument("--batches", default="8")
    parser.add_argument("--precisions", default="fp32")
    parser.add_argument("--forms", default="eager,sdpa", help="of PyTorch: eager, sdpa, compile")
    parser.add_argument("--micro-batch", default="8", help="ours")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--data", help="a folder of pictures: compare decoding and augmentation")
    parser.add_argument("--size", default="224", help="with --data: height and width of the result")
    parser.add_argument("--programs", type=pathlib.Path, default=HERE.parent / "build/release/bench")
    parser.add_argument("--earlier", type=pathlib.Path, metavar="PROGRAMS", help="the programs of another build of ours: compare with them")
    options = parser.parse_args()
    if options.data:
        return data_path(options)
    if options.earlier:
        return beside_earlier(options)
    print(f"{'model':14} {'':5} {'batch':>5} {'PyTorch':8} {'ours, images/s':>15} {'PyTorch':>9} {'ratio':>7} {'ours, GiB':>10} {'PyTorch':>8} {'ratio':>6}")
    for model in options.models.split(","):
        for precision in options.precisions.split(","):
            for batch in options.batches.split(","):
                for form in options.forms.split(","):
                    ours = our_server(options.programs, model, batch, precision, options)
                    theirs = Server([sys.executable, str(HERE / "torch_step.py"), "--model", model, "--batch", batch, "--precision", precision,
                                     "--threads", options.threads, "--form", form])
                    if ours.size != theirs.size:
                        raise SystemExit(f"peer.py: {model} has {ours.size} parameters here and {theirs.size} in PyTorch; these are two models.")
                    ratio = take_turns(ours, theirs, options.steps)
                    a, b = (int(batch) / statistics.median(s.seconds) for s in (ours, theirs))
                    gib = [s.peak / 2**30 for s in (ours, theirs)]
                    print(f"{model:14} {precision:5} {batch:>5} {form:8} {a:15.2f} {b:9.2f} {ratio:6.2f}x {gib[0]:10.2f} {gib[1]:8.2f} {gib[0] / gib[1]:6.2f}", flush=True)


if __name__ == "__main__":
    main()
