# shellcheck shell=bash
# What this machine has and lacks: Rust, a C compiler, the window's libraries. Sourced by ./run, ./test and .ci/run.
# Everything missing is named at once, with the exact command; sudo is used only after a yes.

# The Rust version that the workspace asks for, as MAJOR.MINOR.
wanted_rust() { sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$HERE/Cargo.toml"; }

# newer_or_same A B: whether dotted version A is at least B.
newer_or_same() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# offer PACKAGE...: says how to install Debian packages and, on a terminal, asks whether to do it. True if installed.
offer() {
    local as='' answer
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "This is no Debian or Ubuntu: install what your distribution calls these (Debian's names): $*" >&2
        return 1
    fi
    [ "$(id -u)" = 0 ] || as="sudo "
    echo "    ${as}apt-get install --no-install-recommends $*" >&2
    [ -t 0 ] && [ -t 2 ] || return 1
    [ -z "$as" ] || command -v sudo >/dev/null 2>&1 || return 1
    read -r -p "Run this command now? [y/N] " answer
    case $answer in
    y | Y | yes | Yes) $as apt-get install --no-install-recommends "$@" >&2 ;;
    *) return 1 ;;
    esac
}

# need_to_build: Rust and a linker; false (after saying what to do) if the build cannot work.
need_to_build() {
    local ok=0 have packages=()
    [ -d "$HOME/.cargo/bin" ] && PATH=$PATH:$HOME/.cargo/bin
    if ! command -v cargo >/dev/null 2>&1; then
        echo "Rust is missing: there is no cargo. Install it with rustup (for you alone, no root):" >&2
        echo "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" >&2
        echo "then open a new terminal, or: . ~/.cargo/env" >&2
        ok=1
    else
        have=$(cd "$HERE" && cargo --version | cut -d' ' -f2)
        if ! newer_or_same "${have%%-*}" "$(wanted_rust)"; then
            echo "Rust $have is too old: Wirelore needs $(wanted_rust) or newer." >&2
            if command -v rustup >/dev/null 2>&1; then
                echo "    rustup update stable" >&2
            else
                echo "A distribution's cargo is often older. With rustup (for you alone, no root):" >&2
                echo "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" >&2
            fi
            ok=1
        fi
    fi
    command -v cc >/dev/null 2>&1 || packages+=(gcc libc6-dev)
    if [ ${#packages[@]} -gt 0 ]; then
        echo "To build, this machine lacks: ${packages[*]}" >&2
        offer "${packages[@]}" || ok=1
    fi
    return $ok
}

# libpcap_to_build: whether wirelore-capture can be built here; it alone needs libpcap. LIBPCAP_HOW says how to have it.
LIBPCAP_HOW="sudo apt-get install libpcap-dev"
libpcap_to_build() {
    command -v pkg-config >/dev/null 2>&1 && pkg-config --exists libpcap && return 0
    PATH=$PATH:/sbin:/usr/sbin command -v ldconfig >/dev/null && have_library libpcap.so
}

# have_library SONAME: whether the dynamic linker knows it; true where nobody can be asked.
have_library() {
    local ask
    ask=$(PATH=$PATH:/sbin:/usr/sbin command -v ldconfig) || return 0
    "$ask" -p 2>/dev/null | grep -qF "	$1 "
}

# The libraries that the window opens at run time, with the Debian packages that hold them.
X11_LIBRARIES="libX11.so.6=libx11-6 libX11-xcb.so.1=libx11-xcb1 libXcursor.so.1=libxcursor1 libXi.so.6=libxi6 libxkbcommon-x11.so.0=libxkbcommon-x11-0 libGL.so.1=libgl1 libEGL.so.1=libegl1"
WAYLAND_LIBRARIES="libwayland-client.so.0=libwayland-client0 libwayland-egl.so.1=libwayland-egl1 libxkbcommon.so.0=libxkbcommon0 libEGL.so.1=libegl1"

# lacking LIST: the packages of the libraries in LIST that are not there.
lacking() {
    local pair
    for pair in $1; do
        have_library "${pair%%=*}" || printf '%s ' "${pair#*=}"
    done
}

# window_libraries: true if the window can open on this display; else names what is missing and offers to install it.
window_libraries() {
    local lack
    if [ -n "${WAYLAND_DISPLAY:-}" ]; then
        lack=$(lacking "$WAYLAND_LIBRARIES")
        if [ -n "$lack" ] && [ -n "${DISPLAY:-}" ] && [ -z "$(lacking "$X11_LIBRARIES")" ]; then
            unset WAYLAND_DISPLAY # there is an X server too, and all that it needs
            return 0
        fi
    else
        lack=$(lacking "$X11_LIBRARIES")
    fi
    [ -z "$lack" ] && return 0
    echo "The window needs libraries that this machine lacks: $lack" >&2
    # shellcheck disable=SC2086 # a list of package names
    offer $lack
}
