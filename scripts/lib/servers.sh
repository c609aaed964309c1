# Finds and starts a Redis and a MongoDB. Sourced, after common.sh.

find_redis() { command -v redis-server || fail "redis-server is missing: run scripts/install"; }

find_mongod() {
  command -v mongod && return
  local installed=$tools/mongod/fiftyone/db/bin/mongod
  [ -x "$installed" ] || fail "mongod is missing: run scripts/install"
  echo "$installed"
}

# find_mongo_tool NAME: mongodump, mongorestore, mongoimport or mongoexport.
find_mongo_tool() {
  command -v "$1" && return
  [ -x "$tools/$1" ] || fail "$1 is missing: run scripts/install-mongo-tools"
  echo "$tools/$1"
}

# start_redis PORT FOLDER: prints the process id.
start_redis() {
  mkdir -p "$2"
  "$(find_redis)" --bind 127.0.0.1 --port "$1" --dir "$2" --save '' --appendonly no >"$2/log" 2>&1 &
  echo $!
}

redis_answers() {
  local answer
  exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'PING\r\n' >&3 && read -r -t 2 answer <&3 && exec 3>&- && [ "${answer%$'\r'}" = +PONG ]
}

# start_mongod PORT FOLDER: prints the process id. One member is a replica set, too: change streams and majority
# writes need one.
start_mongod() {
  mkdir -p "$2/db"
  "$(find_mongod)" --replSet rs0 --bind_ip 127.0.0.1 --port "$1" --dbpath "$2/db" --wiredTigerCacheSizeGB 1 \
    --nounixsocket >"$2/log" 2>&1 &
  echo $!
}

mongo_url() { echo "mongodb://127.0.0.1:$1/?replicaSet=rs0"; }

# Makes a mongod a replica set of one, whatever its data say, and waits until it is primary.
# await_primary PORT PID LOG
await_primary() {
  need python3 "it makes MongoDB a replica set (Debian: apt-get install python3)"
  wait_for_process 60 "mongod on port $1 is primary" "$2" "$3" "$root/scripts/mongo-primary" "$1"
}

# read_servers: reads .run/servers; fails if it is not whole, as after a disk that was full.
read_servers() {
  unset kind redis_port redis_pid mongo_port mongo_pid
  # shellcheck disable=SC1091
  source "$run/servers" 2>/dev/null || return 1
  [ -n "${kind:-}" ] && [ -n "${redis_port:-}" ] && [ -n "${redis_pid+set}" ] && [ -n "${mongo_port:-}" ] &&
    [ -n "${mongo_pid+set}" ] && [ -n "${TODO_CACHE:-}" ] && [ -n "${TODO_STORE:-}" ]
}

# stop_unrecorded: ends servers on the data in .run that nothing records: they were left by a start or by a record that was lost,
# and no other mongod can take those data.
stop_unrecorded() {
  local cwd pid
  pid=$(cat "$run/mongo/db/mongod.lock" 2>/dev/null || true)
  if [ -n "$pid" ] && is_process "$pid" "$run/mongo/db"; then
    say "a MongoDB on these data is recorded nowhere: process $pid is ended" >&2
    stop_process "$pid" mongod
  fi
  # Redis works in its folder and does not show it. Where there is no /proc, it goes on.
  for cwd in /proc/[0-9]*/cwd; do
    [ "$(readlink "$cwd" 2>/dev/null)" = "$run/redis" ] || continue
    pid=${cwd#/proc/}
    pid=${pid%/cwd}
    is_process "$pid" redis-server || continue
    say "a Redis in this folder is recorded nowhere: process $pid is ended" >&2
    stop_process "$pid" redis-server
  done
}

# servers_answer: whether those of .run/servers, which is read, do.
servers_answer() { (redis_answers "$redis_port") 2>/dev/null && port_answers "$mongo_port"; }

# start_both: a Redis and a MongoDB of this script's own, in $work; sets $redis_port and $mongo_port.
start_both() {
  redis_port=$(free_port)
  pids+=("$(start_redis "$redis_port" "$work/redis")")
  wait_for_process 60 "Redis answers" "${pids[-1]}" "$work/redis/log" redis_answers "$redis_port"
  start_mongo
}

# start_mongo: a MongoDB of this script's own, in $work; sets $mongo_port.
start_mongo() {
  mongo_port=$(free_port)
  pids+=("$(start_mongod "$mongo_port" "$work/mongo")")
  await_primary "$mongo_port" "${pids[-1]}" "$work/mongo/log"
}

# with_scratch: makes the folder $work. At the end, however it comes, the processes in $pids are ended and it is removed.
with_scratch() {
  work=$(mktemp -d)
  pids=()
  trap end_scratch EXIT
}

end_scratch() {
  local pid
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do
    for _ in {1..300}; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  done
  rm -rf "$work"
}
