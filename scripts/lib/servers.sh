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
