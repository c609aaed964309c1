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

# Makes a new mongod a replica set of one, and waits until it is primary.
await_primary() { wait_until 60 "mongod on port $1 is primary" "$root/scripts/mongo-primary" "$1"; }
