# Two things measured by turns in one run, and their ratio: the machine's noise meets both. Sourced, after common.sh, by
# scripts that set rounds and work. With BENCH_RESULTS each row is also written there, for scripts/bench-report.

# Minutes of measuring must not end without a word.
set -o errtrace
trap 'printf "error: %s, line %s: %s (code %s)\n" "$0" "$LINENO" "$BASH_COMMAND" "$?" >&2' ERR

median() { sort -g | awk '{ a[NR] = $1 } END { print (NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2) }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b == 0 ? 0 : a / b) }'; }
# spread FILE: its least and its largest number.
spread() { sort -g "$1" | sed -n '1p;$p' | paste -sd ' '; }

# by_turns NAME COMMAND_A COMMAND_B: runs each ROUNDS times by turns; each prints one number.
by_turns() {
  local name=$1 first=$2 second=$3
  rm -f "$work/a" "$work/b"
  # shellcheck disable=SC2154
  for _ in $(seq "$rounds"); do
    $first >>"$work/a"
    $second >>"$work/b"
  done
  row "$name" "$work/a" "$work/b"
}

# row NAME FILE_A [FILE_B]: their medians and the ratio of these.
row() {
  local a b='' spread_b=''
  a=$(median <"$2")
  if [ $# -gt 2 ]; then
    b=$(median <"$3") spread_b=$(spread "$3")
    printf '%-34s %12s %12s   ratio %s\n' "$1" "$a" "$b" "$(ratio "$a" "$b")"
  else
    printf '%-34s %12s\n' "$1" "$a"
  fi
  if [ -n "${BENCH_RESULTS:-}" ]; then
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "${table:-}" "$1" "$a" "$b" "$(spread "$2")" "$spread_b" >>"$BENCH_RESULTS"
  fi
}

# columns TABLE A B: the head of a table: what the two numbers of its rows are.
columns() {
  table="$1|$2|$3"
  printf '\n%-34s %12s %12s\n' "$1" "$2" "$3"
}

# cpu_us PID: CPU time that the process has used, in microseconds.
cpu_us() {
  local ticks
  ticks=$(sed -E 's/.*\) //' "/proc/$1/stat" | awk '{ print $12 + $13 }')
  echo $((ticks * 1000000 / $(getconf CLK_TCK)))
}
