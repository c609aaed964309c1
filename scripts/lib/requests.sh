# Requests of one kind after another at several services, and what each costs. Sourced, after measure.sh, by scripts that have made
# $work, started both servers ($redis_pid, $mongo_pid, $redis_port, $store) and set $rounds and $seconds.

# in_turn NAME LUA: requests of one kind. Those of 1,000 ids are made ahead: a slow client would hide what the service costs. LUA
# makes the request of id.
in_turn() {
  cat >"$work/$1.lua" <<LUA
local requests, n = {}, 0
init = function() for id = 1, 1000 do requests[id] = $2 end end
request = function() n = n % 1000 + 1; return requests[n] end
LUA
}

declare -A port_of pid_of
# serve NAME ARGS...: the service, with these flags.
serve() {
  local name=$1 port server fresh=(--fresh-live 1h) prefix=(--cache-prefix "$1")
  shift
  case " $* " in *" --cache-prefix "*) prefix=() ;; esac
  case " $* " in *" --fresh-live "*) fresh=() ;; esac
  start_service "$work/$name.log" --store "$store" "${prefix[@]}" "${fresh[@]}" "$@"
  pids+=("$server")
  port_of[$name]=$port pid_of[$name]=$server
}

flushall() { exec 3<>"/dev/tcp/127.0.0.1/$redis_port" && printf 'FLUSHALL\r\n' >&3 && read -r -t 60 <&3 && exec 3>&-; }

# dbsize: how many keys Redis has, which is how many todos it holds, but for some few.
dbsize() {
  local size
  exec 3<>"/dev/tcp/127.0.0.1/$redis_port" && printf 'DBSIZE\r\n' >&3 && IFS=$':\r' read -r -t 60 _ size _ <&3 && exec 3>&- && echo "$size"
}

# reads_of_all COUNT: requests for all todos, named warm, a hundred at a time, from the first to the last; each thread begins elsewhere.
reads_of_all() {
  cat >"$work/warm.lua" <<LUA
local share, first = 0, 1
setup = function(thread) thread:set("share", share); share = share + 1 end
init = function() first = share * math.floor($1 / 2) + 1 end
request = function()
  local ids = {}
  for at = 0, 99 do ids[at + 1] = (first + at - 1) % $1 + 1 end
  first = first + 100
  return wrk.format("GET", "/todos?ids=" .. table.concat(ids, ","))
end
LUA
}

# wrk_at NAME KIND CONNECTIONS SECONDS: one run.
wrk_at() {
  wrk -t"$(($3 < 2 ? 1 : 2))" -c"$3" -d"$4s" -s "$work/$2.lua" "http://127.0.0.1:${port_of[$1]}" >"$work/wrk"
  [ "$2" = absent ] || ! grep -q 'Non-2xx' "$work/wrk" || fail "$1, $2: not every answer was one: $(cat "$work/wrk")"
}

# until_held NAME KIND CONNECTIONS COUNT: one run, until Redis has so many keys.
until_held() {
  local load
  wrk -t2 -c"$3" -d600s -s "$work/$2.lua" "http://127.0.0.1:${port_of[$1]}" >"$work/wrk" &
  load=$!
  until [ "$(dbsize)" -ge "$4" ]; do
    is_process "$load" wrk || fail "$1, $2: $(dbsize) keys after ten minutes, not $4"
    sleep 0.05
  done
  stop_process "$load" wrk
}

used() { for pid in "$1" "$redis_pid" "$mongo_pid"; do cpu_us "$pid"; done; }

# take NAME KIND CONNECTIONS: one round; adds its figures to $work/NAME.*
take() {
  local before after requests at=0 what
  mapfile -t before < <(used "${pid_of[$1]}")
  wrk_at "$1" "$2" "$3" "$seconds"
  mapfile -t after < <(used "${pid_of[$1]}")
  sed -nE 's/^Requests\/sec: +//p' "$work/wrk" >>"$work/$1.rate"
  requests=$(sed -nE 's/^ *([0-9]+) requests in .*/\1/p' "$work/wrk")
  for what in service redis mongod; do
    { ratio $((after[at] - before[at])) "$requests" && echo; } >>"$work/$1.$what"
    at=$((at + 1))
  done
}

# compare WHAT NAME PEER KIND CONNECTIONS [PEERKIND]: rate and CPU of both.
compare() {
  local what=$1 name=$2 peer=$3 server
  rm -f "$work/$name".{rate,service,redis,mongod} "$work/$peer".{rate,service,redis,mongod}
  for _ in $(seq "$rounds"); do
    [ "$4" != miss ] || flushall
    take "$name" "$4" "$5"
    [ "$4" != miss ] || flushall
    take "$peer" "${6:-$4}" "$5"
  done
  row "$what: requests/s" "$work/$name.rate" "$work/$peer.rate"
  row "  us of CPU, service" "$work/$name.service" "$work/$peer.service"
  # These ask nobody.
  for server in redis mongod; do
    if [ "$peer" = constant ] || [ "$peer" = lookup ]; then
      row "  us of CPU, $server" "$work/$name.$server"
    else
      row "  us of CPU, $server" "$work/$name.$server" "$work/$peer.$server"
    fi
  done
}

