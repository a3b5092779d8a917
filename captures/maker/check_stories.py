#!/usr/bin/env python3
"""Asks tshark whether each step's filter of each *.story.toml under captures/ matches exactly one packet."""

import pathlib
import subprocess
import sys
import tomllib

top = pathlib.Path(__file__).resolve().parent.parent
bad = steps = 0
for path in sorted(top.rglob("*.story.toml")):
    story = tomllib.loads(path.read_text(encoding="utf-8"))
    capture = path.parent / story["capture"]
    for n, step in enumerate(story["step"], 1):
        steps += 1
        r = subprocess.run(["tshark", "-n", "-r", capture, "-Y", step["filter"], "-T", "fields", "-e", "frame.number"], capture_output=True, text=True)
        frames = r.stdout.split()
        if r.returncode or len(frames) != 1:
            bad += 1
            print(f"{path.relative_to(top)}, step {n} ({step['title']}): {step['filter']} matches {len(frames)} packets {frames[:6]} {r.stderr if r.returncode else ''}")
print(f"{steps} steps, {bad} do not match exactly one packet")
sys.exit(1 if bad or not steps else 0)
