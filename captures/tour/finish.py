"""Turns the raw pcap into the finished pcapng: keys inside, a comment where each step of the story begins.

finish.py WORK OUT.pcapng STORY.toml. Each step's filter must match exactly one packet, or nothing is written.
"""

import pathlib
import subprocess
import sys
import tomllib

import pcapfile

work, out, story = pathlib.Path(sys.argv[1]), sys.argv[2], tomllib.load(open(sys.argv[3], "rb"))
packets = list(pcapfile.read_pcap(work / "raw.pcap"))
keys = (work / "keys").read_bytes() if (work / "keys").exists() else b""
keys = b"".join(line for line in keys.splitlines(True) if not line.startswith(b"#"))
about = dict(link=pcapfile.ETHERNET, comment=story["about"], app="captures/tour/make.sh", interface=("eth0", "The guest's laptop"), keys=keys)
plain = work / "plain.pcapng"
pcapfile.write_pcapng(plain, packets, **about)

comments, bad = {}, 0
for n, step in enumerate(story["step"], 1):
    r = subprocess.run(["tshark", "-n", "-r", plain, "-Y", step["filter"], "-T", "fields", "-e", "frame.number"], capture_output=True, text=True)
    frames = r.stdout.split()
    if len(frames) != 1:
        bad += 1
        print(f"step {n} ({step['title']}): {step['filter']} matches {len(frames)} packets {frames[:8]}; {r.stderr.strip()}", file=sys.stderr)
    else:
        at = int(frames[0])
        comments[at] = f"{comments[at]}; {step['title']}" if at in comments else step["title"]
if bad:
    sys.exit(f"{bad} steps do not match exactly one packet: nothing written")
pcapfile.write_pcapng(out, packets, comments=comments, **about)
print(f"{out}: {len(packets)} packets, {len(comments)} comments, {len(keys.splitlines())} key log lines")
