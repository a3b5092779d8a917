# shellcheck shell=bash
# Shared shell functions of the capture makers: small networks of Linux namespaces with a sniffer on one end.
# Source it from a make.sh. Needs root (namespaces and packet sockets); it changes nothing outside its own
# namespaces, a temporary folder and /etc/netns/wl-* (resolver files, removed again at the end).

set -eu
export LC_ALL=C.UTF-8
MAKER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PYTHONPATH="$MAKER" PYTHONDONTWRITEBYTECODE=1
PY=${PYTHON:-python3}
WORK=$(mktemp -d /tmp/wl-lab.XXXXXX)
chmod 755 "$WORK"
SPACES=()
PIDS=()

# need PROGRAM PACKAGE ...: stops with the whole list of what is missing, not with the first item.
need() {
    local lack=() pkgs=()
    while [ $# -ge 2 ]; do
        command -v "$1" >/dev/null 2>&1 || { lack+=("$1"); pkgs+=("$2"); }
        shift 2
    done
    if [ ${#lack[@]} -gt 0 ]; then
        echo "This maker lacks: ${lack[*]}" >&2
        echo "On Debian or Ubuntu: sudo apt-get install ${pkgs[*]}" >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "Network namespaces and packet sockets need root: sudo $0" >&2
        exit 1
    fi
}

# need_py MODULE ...: Python modules from PyPI; PYTHON=path/to/venv/bin/python chooses the interpreter.
need_py() {
    local lack=() m
    for m in "$@"; do "$PY" -c "import $m" 2>/dev/null || lack+=("$m"); done
    if [ ${#lack[@]} -gt 0 ]; then
        echo "Python at $PY lacks: ${lack[*]}" >&2
        echo "python3 -m venv /tmp/wl-venv && /tmp/wl-venv/bin/pip install ${lack[*]}, then PYTHON=/tmp/wl-venv/bin/python $0" >&2
        exit 1
    fi
}

# space NAME: a namespace wl-NAME with loopback up. No router solicitations: they only make noise.
space() {
    ip netns add "wl-$1"
    SPACES+=("wl-$1")
    inside "$1" sysctl -qw net.ipv6.conf.default.router_solicitations=0 2>/dev/null || true
    ip -n "wl-$1" link set lo up
}

# cable A IF_A MAC_A B IF_B MAC_B: a virtual wire; offloads are off, so packets look as they would on a real one.
cable() {
    ip link add "$2" netns "wl-$1" address "$3" type veth peer name "$5" netns "wl-$4" address "$6"
    local s i
    for s in "$1 $2" "$4 $5"; do
        set -- $s
        i=$2
        ip netns exec "wl-$1" ethtool -K "$i" rx off tx off tso off gso off gro off sg off >/dev/null 2>&1
        ip -n "wl-$1" link set "$i" up
    done
}

# long_cable A IF_A MAC_A B IF_B MAC_B WIRE OPTIONS...: the same through a namespace WIRE where wire.py delays or loses frames.
long_cable() {
    local a="$1 $2 $3" b="$4 $5 $6" w=$7
    shift 7
    space "$w"
    inside "$w" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 2>/dev/null || true
    cable $a "$w" w0 00:00:5e:00:53:f0
    cable $b "$w" w1 00:00:5e:00:53:f1
    ip -n "wl-$w" link set w0 promisc on
    ip -n "wl-$w" link set w1 promisc on
    start "$w" "$PY" "$MAKER/wire.py" w0 w1 "$@"
}

# inside NAME CMD...: runs a command in a namespace. start NAME CMD...: the same in the background, ended with the lab.
inside() { local n=$1; shift; ip netns exec "wl-$n" "$@"; }
start() {
    local n=$1
    shift
    ip netns exec "wl-$n" "$@" >>"$WORK/servers.log" 2>&1 &
    PIDS+=($!)
}

# resolver NAME ADDRESS: the DNS server that programs inside NAME use.
resolver() {
    mkdir -p "/etc/netns/wl-$1"
    printf 'nameserver %s\noptions timeout:2 attempts:1\n' "$2" >"/etc/netns/wl-$1/resolv.conf"
}

# listening NAME PORT...: waits until TCP ports are open (at most 10 s each).
listening() {
    local n=$1 p i
    shift
    for p in "$@"; do
        for i in $(seq 100); do
            ip netns exec "wl-$n" ss -Hltn "sport = :$p" | grep -q . && continue 2
            sleep 0.1
        done
        echo "nothing listens on port $p in $n; servers said:" >&2
        cat "$WORK/servers.log" >&2
        exit 1
    done
}

# sniff NAME IF FILE [FILTER...]: starts tcpdump; hush ends it and waits until the file is whole.
SNIFFER=
sniff() {
    local n=$1 i=$2 f=$3
    shift 3
    ip netns exec "wl-$n" tcpdump -Z root -i "$i" -U --immediate-mode -s "${SNAPLEN:-0}" -B 4096 --time-stamp-precision=nano -w "$f" "$@" 2>"$WORK/tcpdump.log" &
    SNIFFER=$!
    for _ in $(seq 100); do grep -q "listening on" "$WORK/tcpdump.log" && break; sleep 0.05; done
    sleep 0.2
}
hush() {
    sleep 0.5
    kill -INT "$SNIFFER"
    wait "$SNIFFER" || true
    SNIFFER=
}

tidy() {
    local p n
    [ -z "$SNIFFER" ] || kill "$SNIFFER" 2>/dev/null || true
    for p in "${PIDS[@]}"; do kill "$p" 2>/dev/null || true; done
    wait 2>/dev/null || true
    for n in "${SPACES[@]}"; do
        ip netns del "$n" 2>/dev/null || true
        rm -rf "/etc/netns/$n"
    done
    if [ -n "${KEEP:-}" ]; then echo "kept $WORK" >&2; else rm -rf "$WORK"; fi
}
trap tidy EXIT
trap 'exit 130' INT TERM

# finish RAW OUT COMMENT [KEYS]: the sniffed packets as the capture OUT, with the lines of a key log in it.
finish() {
    "$PY" - "captures/$(basename "$HERE")/make.sh" "$@" <<'P'
import sys, pcapfile
app, raw, out, comment = sys.argv[1:5]
keys = b"".join(x for x in open(sys.argv[5], "rb") if not x.startswith(b"#")) if len(sys.argv) > 5 else b""
pcapfile.write_pcapng(out, pcapfile.read_pcap(raw), comment=comment, app=app, keys=keys)
P
}
