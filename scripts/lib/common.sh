# Shared by the scripts: where things are, how to wait, how to stop. Sourced, never run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=$root/.tools
# Where `make up` keeps its servers and their data; a check of the scripts has a folder of its own.
run=${TODO_RUN:-$root/.run}
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

# need PROGRAM HOW: ends here, not in the middle, if it is missing; HOW says how to get it.
need() { command -v "$1" >/dev/null || fail "$1 is not on PATH: $2"; }

# free_port: a TCP port of 127.0.0.1 that nobody listens on, below those that the system gives to connections: one of
# them may hold such a port for minutes after it is closed.
free_port() {
  local port low=32768 range=/proc/sys/net/ipv4/ip_local_port_range
  if [ -r "$range" ]; then read -r low _ <"$range"; fi
  [ "$low" -gt 12000 ] || low=32768
  for _ in {1..50}; do
    port=$((10000 + (RANDOM * 32768 + RANDOM) % (low - 10000)))
    if ! port_answers "$port"; then
      echo "$port"
      return
    fi
  done
  fail "no free port was found between 10000 and $low"
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

# wait_for_process SECONDS WHAT PID LOG COMMAND...: the same, but ends with the last lines of LOG as soon as the process
# is gone: the reason stands there.
wait_for_process() {
  local seconds=$1 what=$2 pid=$3 log=$4 end=$((SECONDS + $1))
  shift 4
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null; then
      tail -n 5 "$log" >&2 || true
      fail "process $pid has ended before $what (its log: $log)"
    fi
    if [ "$SECONDS" -ge "$end" ]; then
      tail -n 5 "$log" >&2 || true
      fail "waited $seconds s in vain until $what (its log: $log)"
    fi
    sleep 0.1
  done
}

# is_process PID NAME: whether PID is still the program that was started under it. Without ps where there is /proc.
is_process() {
  [ -n "$1" ] && kill -0 "$1" 2>/dev/null || return 1
  if [ -r "/proc/$1/cmdline" ]; then
    grep -qaF -- "$2" "/proc/$1/cmdline" 2>/dev/null
  else
    ps -p "$1" -o args= 2>/dev/null | grep -qF -- "$2"
  fi
}

# stop_process PID NAME: ends what was started, and only that; waits until it is gone.
stop_process() {
  is_process "$1" "$2" || return 0
  kill -TERM "$1"
  wait_until 30 "$2 (process $1) has ended" not is_process "$1" "$2"
}

not() { ! "$@"; }

# Which build the programs are of: `quick` is there sooner, `release` is what is installed and measured (see Cargo.toml).
profile=quick
# build ARGS...: by cargo, in that profile. A first build takes minutes, and says so.
build() {
  need cargo "install Rust from https://rustup.rs"
  need cc "install a C compiler (Debian: apt-get install gcc)"
  local began=$SECONDS first=false
  if [ ! -d "$target/$profile/build" ]; then
    first=true
    say "building the programs and the crates that they use: the first time takes five to nine minutes on two cores, a release longer" >&2
  fi
  cargo build --profile "$profile" --locked "$@"
  if $first; then say "built in $((SECONDS - began)) s; the next build takes seconds" >&2; fi
}

# build_programs: the service, the seeder and the load generator.
build_programs() { build -p todo-api -p seeder -p loadgen; }

# build_checker: the consistency checker and the service that it drives. With the other programs, so that what all of them use is
# compiled once, with the same features.
build_checker() { build -p todo-api -p seeder -p loadgen -p consistency-checker; }

# build_peers: what the programs are measured beside, with them, for the same reason.
build_peers() { build -p todo-api -p seeder -p loadgen -p peers; }

program() { echo "$target/$profile/$1"; }

# http_get PORT PATH: status, head and body of the answer, without curl. HTTP/1.0 ends it with the connection.
http_get() (
  exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "$2" "$1" >&3
  while IFS= read -r -t 5 line <&3; do printf '%s\n' "${line%$'\r'}"; done
  printf '%s' "${line:-}"
) 2>/dev/null

# is_ready PORT: whether the service there takes requests.
is_ready() { [[ $(http_get "$1" /readyz) == HTTP/1.?\ 200* ]]; }

# service_port LOG: where the service says that it listens, in the line that says so.
service_port() { grep -i -m 1 listening "$1" | grep -oE '127\.0\.0\.1:[0-9]+' | sed -n '1s/.*://p' | grep .; }

# start_service LOG ARGS...: starts the service on a port that the system chooses, so that none is taken in between, and
# waits until it is ready. Sets $server and $port.
start_service() {
  local log=$1
  shift
  # One of this name may have run before, and its log says where that one listened.
  : >"$log"
  "$(program todo-api)" --listen 127.0.0.1:0 "$@" >"$log" 2>&1 &
  server=$!
  wait_for_process 60 "the service says where it listens" "$server" "$log" service_port "$log"
  port=$(service_port "$log")
  wait_for_process 60 "the service is ready" "$server" "$log" is_ready "$port"
}
