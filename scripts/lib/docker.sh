# Whether Docker can run the servers, and how it is called. Sourced, after common.sh.

# no_docker: why Docker's images cannot be used; fails if they can.
no_docker() {
  local error
  if [ "${TODO_UP:-auto}" = local ]; then
    echo "TODO_UP=local"
  elif ! command -v docker >/dev/null; then
    echo "docker is not on PATH"
  elif ! error=$(docker_answers 2>&1); then
    error=${error:-its engine does not answer}
    echo "docker info: ${error%%$'\n'*}"
  elif ! docker compose version >/dev/null 2>&1; then
    echo "it has no compose plugin"
  elif ! docker compose up --help 2>/dev/null | grep -q -- --wait; then
    echo "its compose plugin is older than 2.1.1"
  else
    return 1
  fi
}

# docker_answers: an engine that hangs is none. The exit code of `docker info` alone does not tell in every release.
docker_answers() {
  local version
  version=$(bounded 20 docker info --format '{{.ServerVersion}}') && [ -n "$version" ]
}

# bounded SECONDS COMMAND...: where there is no timeout, without a bound.
bounded() {
  if command -v timeout >/dev/null; then timeout "$@"; else "${@:2}"; fi
}

# compose ARGS...: under a name of its own. It would be that of the folder else, `docker`, as of many other projects.
compose() { docker compose -p todo-servers -f docker/compose.yaml "$@"; }
