#!/usr/bin/env python3
"""Opens every capture of some folders headless and demands: no crash, no hang, little memory. hostile.py PROGRAM FOLDER...

Each file is read by `report --json`, `summary` and `dump -V -x`; each run may use 2 s of CPU and 200 MB of memory of its own.
A file that is no capture may be refused in words (status 1 or 2); a panic (101) or a signal is a failure.
"""

import os
import subprocess
import sys
import tempfile
import time

SECONDS, MEGABYTES, PATIENCE = 2.0, 200, 20.0
WAYS = (["report", "-r", None, "--json"], ["summary", "-r", None], ["dump", "-V", "-x", "-r", None])
NOT_CAPTURES = (".md", ".tsv", ".json", ".toml", ".py", ".sh", ".keylog")


def run(cmd):
    """(what is wrong or None, CPU seconds, peak MB) of one run."""
    with tempfile.TemporaryFile() as err:
        p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
        until = time.monotonic() + PATIENCE
        hung = False
        while True:
            pid, status, used = os.wait4(p.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > until and not hung:
                hung = True
                p.kill()
            time.sleep(0.002)
        p.returncode = code = os.waitstatus_to_exitcode(status)
        err.seek(0)
        said = err.read()[-300:].decode(errors="replace").strip()
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    if hung:
        return f"hangs: killed after {PATIENCE:.0f} s", cpu, peak
    if code not in (0, 3):
        return f"status {code}: {said}", cpu, peak
    if cpu > SECONDS:
        return f"{cpu:.1f} s of CPU", cpu, peak
    if peak > MEGABYTES:
        return f"{peak:.0f} MB of memory", cpu, peak
    return None, cpu, peak


def main():
    program, folders = sys.argv[1], sys.argv[2:]
    files = sorted(os.path.join(d, f) for top in folders for d, _, names in os.walk(top) for f in names if not f.endswith(NOT_CAPTURES))
    if not files:
        sys.exit(f"no captures in {' '.join(folders)}")
    bad, worst = 0, {"CPU": (0.0, ""), "memory": (0.0, "")}
    for path in files:
        for way in WAYS:
            wrong, cpu, peak = run([program] + [path if a is None else a for a in way])
            worst["CPU"] = max(worst["CPU"], (cpu, os.path.basename(path)))
            worst["memory"] = max(worst["memory"], (peak, os.path.basename(path)))
            if wrong:
                bad += 1
                print(f"{way[0]} {os.path.basename(path)}: {wrong}")
    print(f"{len(files)} captures, {len(WAYS)} ways each, {bad} faults; "
          f"most CPU {worst['CPU'][0]:.2f} s ({worst['CPU'][1]}), most memory {worst['memory'][0]:.0f} MB ({worst['memory'][1]})")
    sys.exit(1 if bad else 0)


main()
