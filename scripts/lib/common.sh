# Shared by the scripts: where things are, how to wait, how to stop. Sourced, never run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=$root/.tools
run=$root/.run
# Where cargo builds to, also when the user has set it.
target=${CARGO_TARGET_DIR:-$root/target}
cd "$root"

# .env, if there is one, sets what the environment does not (see .env.sample).
if [ -f .env ]; then
  while IFS='=' read -r name value; do
    if [[ $name =~ ^TODO_[A-Z0-9_]+$ && -z ${!name+set} ]]; then export "$name=$value"; fi
  done <.env
fi

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# free_port: a TCP port of 127.0.0.1 that nobody listens on.
free_port() {
  local port
  for port in $(shuf -i 20000-60000 -n 50); do
    if ! port_answers "$port"; then
      echo "$port"
      return
    fi
  done
  fail "no free port was found between 20000 and 60000"
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_until SECONDS WHAT COMMAND...: runs the command until it succeeds.
wait_until() {
  local seconds=$1 what=$2 end=$((SECONDS + $1))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || fail "waited $seconds s in vain until $what"
    sleep 0.1
  done
}

# is_process PID NAME: whether PID is still the program that was started under it.
is_process() { [ -n "$1" ] && ps -p "$1" -o args= 2>/dev/null | grep -q -- "$2"; }

# stop_process PID NAME: ends what was started, and only that; waits until it is gone.
stop_process() {
  is_process "$1" "$2" || return 0
  kill -TERM "$1"
  wait_until 30 "$2 (process $1) has ended" not is_process "$1" "$2"
}

not() { ! "$@"; }

# build_release: the three programs.
build_release() {
  command -v cargo >/dev/null || fail "cargo is not on PATH: install Rust from https://rustup.rs"
  command -v cc >/dev/null || fail "cc is not on PATH: install a C compiler (Debian: apt-get install gcc)"
  cargo build --release --locked -p todo-api -p seeder -p loadgen
}

program() { echo "$target/release/$1"; }

is_ready() { curl -sf -o /dev/null "http://$1/readyz"; }
