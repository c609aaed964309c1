# Two things measured by turns in one run, and their ratio: the machine's noise meets both. Sourced, after common.sh, by
# scripts that set rounds and work.

median() { sort -g | awk '{ a[NR] = $1 } END { print (NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2) }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# by_turns NAME COMMAND_A COMMAND_B: runs each ROUNDS times by turns; each prints one number.
by_turns() {
  local name=$1 first=$2 second=$3 a b
  rm -f "$work/a" "$work/b"
  # shellcheck disable=SC2154
  for _ in $(seq "$rounds"); do
    $first >>"$work/a"
    $second >>"$work/b"
  done
  a=$(median <"$work/a") b=$(median <"$work/b")
  printf '%-34s %12s %12s   ratio %s\n' "$name" "$a" "$b" "$(ratio "$a" "$b")"
}
