# shellcheck shell=bash
# What deploy/up, deploy/down, deploy/postgres, deploy/redis and tests/run share: saying what happens and how long it
# took, free ports, processes that go on after the script, found again by a recorded id. Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VAR=${PARLEY_VAR:-$ROOT/var}

# ---- saying ----

say() { printf '%s\n' "$*"; }

# die WHAT [WAY OUT]: the one clear line, and the way out.
die() {
    [ -z "${STEP_OPEN:-}" ] || printf 'failed\n'
    printf '%s: %s\n' "${SCRIPT:-$(basename "$0")}" "$1" >&2
    [ -z "${2:-}" ] || printf '  %s\n' "$2" >&2
    exit 1
}

# What nobody foresaw still gets its line.
set -E
trap 'printf "%s: line %s: %s failed\n" "${BASH_SOURCE[0]}" "$LINENO" "${BASH_COMMAND%% *}" >&2' ERR

# step TITLE; ...; done_step [HOW IT WENT]: one line, with the time in between.
step() {
    STEP_AT=$(now_ms)
    STEP_OPEN=1
    printf '  %-26s ' "$1"
}

done_step() {
    local ms=$(($(now_ms) - STEP_AT))
    STEP_OPEN=
    printf '%-46s %4d.%d s\n' "${1:-done}" $((ms / 1000)) $((ms % 1000 / 100))
}

now_ms() {
    local s=${EPOCHREALTIME/[.,]/}
    printf '%s' "${s%???}"
}

# Whether FOLDER's disk has MB left; the build and the packages need about 1.5 GB on a fresh machine.
need_disk() {
    local free
    free=$(df -Pk "$1" | awk 'NR == 2 {print int($4 / 1024)}')
    [ "$free" -ge "$2" ] || die "only $free MB are free in $1, and $2 are needed" "Free some space and run this again."
}

# quietly LOG WAY_OUT COMMAND...: its output goes to LOG; on failure the last lines of it, and the way out.
quietly() {
    local log=$1 way_out=$2
    shift 2
    if ! "$@" >"$log" 2>&1 </dev/null; then
        printf 'failed\n'
        STEP_OPEN=
        tail -n 15 "$log" | sed 's/^/    /' >&2
        if grep -qiE 'no space left|ENOSPC|disk quota' "$log"; then
            way_out="The disk is full: free some space (df -h $ROOT) and run this again."
        elif grep -qiE 'temporary failure resolving|could not resolve|ENOTFOUND|EAI_AGAIN|network is unreachable|ECONNREFUSED|ETIMEDOUT|failed to fetch' "$log"; then
            way_out="The network or a package server does not answer: look after that and run this again."
        fi
        die "$(basename "$1") failed; all of its output is in $log" "$way_out"
    fi
}

# ---- ports ----

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range from which the kernel takes ports for outgoing connections.
free_port() {
    local port i
    for ((i = 0; i < 200; i++)); do
        port=$((20000 + RANDOM % 12000))
        port_is_taken "$port" || { printf '%s' "$port"; return; }
    done
    die "found no free port between 20000 and 32000"
}

# choose_port: the one asked for in PORT, else that of the last start in DIR/port, else a free one; sets and records PORT.
choose_port() {
    local last
    last=$(cat "$DIR/port" 2>/dev/null || true)
    if [ -n "$PORT" ]; then
        port_is_taken "$PORT" && die "port $PORT is taken by another program" "Name another one, or none for a free one."
    elif [ -n "$last" ] && ! port_is_taken "$last"; then
        PORT=$last
    else
        PORT=$(free_port)
    fi
    printf '%s\n' "$PORT" >"$DIR/port"
}

# ---- secrets ----

# new_secret FILE [BYTES]: random hexadecimal digits, for the owner's eyes only; one that is there stays.
new_secret() {
    [ ! -s "$1" ] || return 0
    mkdir -p "$(dirname "$1")"
    (umask 077 && od -An -v -tx1 -N"${2:-32}" /dev/urandom | tr -d ' \n' >"$1.new" && mv "$1.new" "$1")
}

# ---- processes: FILE.pid holds "pid start-time mark"; the start time tells ours from a later one of that id ----

started_at() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) } # the name before it may have spaces and parentheses
    set -- $stat
    [ "$1" != Z ] || return 1
    printf '%s' "${20}"
}

# running FILE: prints the id of the living process that FILE is about.
running() {
    local pid start
    read -r pid start _ 2>/dev/null <"$1" || return 1
    [ "$(started_at "$pid")" = "$start" ] || return 1
    printf '%s' "$pid"
}

record() { printf '%s %s %s\n' "$2" "$(started_at "$2")" "${3:-}" >"$1"; } # FILE PID [MARK]

mark_of() {
    local mark
    read -r _ _ mark 2>/dev/null <"$1" || true
    printf '%s' "${mark:-}"
}

# in_background LOG COMMAND...: a session of its own, so it outlives this script and its terminal. Reads the file
# BACKGROUND_INPUT, sets BACKGROUND_PID. Does not inherit descriptor 9, the lock of deploy/up.
in_background() {
    local log=$1
    shift
    setsid "$@" >>"$log" 2>&1 <"${BACKGROUND_INPUT:-/dev/null}" 9>&- &
    BACKGROUND_PID=$!
    disown "$BACKGROUND_PID"
}

# stop_process FILE [SIGNAL] [SECONDS]: asks, waits, and ends it by force after that. Fails when nothing ran.
stop_process() {
    local file=$1 signal=${2:-TERM} seconds=${3:-15} pid i
    if ! pid=$(running "$file"); then
        rm -f "$file"
        return 1
    fi
    kill -"$signal" "$pid" 2>/dev/null || true
    for ((i = 0; i < seconds * 20; i++)); do
        running "$file" >/dev/null || break
        sleep 0.05
    done
    if running "$file" >/dev/null; then
        say "    process $pid does not end within $seconds s: killing it"
        kill -KILL "$pid" 2>/dev/null || true
        for ((i = 0; i < 100; i++)); do
            running "$file" >/dev/null || break
            sleep 0.05
        done
    fi
    rm -f "$file"
}

# ---- users: PostgreSQL refuses to run as root ----

# Sets the array AS to what a command is prefixed with to run as USER; empty unless we are root. It replaces the
# process, so that the id stays the command's.
become() {
    AS=()
    [ "$(id -u)" != 0 ] || AS=(setpriv "--reuid=$1" "--regid=$(id -g "$1")" --init-groups env HOME=/)
}
