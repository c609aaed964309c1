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

# wrk_at NAME KIND CONNECTIONS SECONDS: one run.
wrk_at() {
  wrk -t"$(($3 < 2 ? 1 : 2))" -c"$3" -d"$4s" -s "$work/$2.lua" "http://127.0.0.1:${port_of[$1]}" >"$work/wrk"
  [ "$2" = absent ] || ! grep -q 'Non-2xx' "$work/wrk" || fail "$1, $2: not every answer was one: $(cat "$work/wrk")"
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

