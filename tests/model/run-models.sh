#!/bin/sh
# The models of the manifest protocol, each searched to the end, and every
# mutant of theirs, which must be refuted. A model's header names its runs
# (" * run: FLAGS"), those that take minutes (" * long: FLAGS", with LONG=1 or
# `make models`), and its mutants (" * mutant: FLAGS"). One test each.
# With arguments: those models only.
set -u

here=$(cd "$(dirname "$0")" && pwd)
for tool in spin "${CC:=cc}"; do
	if ! command -v "${tool%% *}" >/dev/null; then
		echo "1..0 # SKIP ${tool%% *} is not installed"
		exit 0
	fi
done
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
cd "$scratch" || exit 1

# Words of the flags are meant to be apart.
# shellcheck disable=SC2086
search() { # model flags: prints "errors: N", or nothing when it did not end
	rm -f pan* ./*.trail
	spin -a $2 "$1" >spin.out 2>&1 &&
		$CC -O2 -DSAFETY -DCOLLAPSE -w -o pan pan.c >cc.out 2>&1 &&
		./pan -m400000 -n -E >pan.out 2>&1
	grep -q 'max search depth too small' pan.out 2>/dev/null && return
	sed -n 's/.*\(errors: [0-9]*\).*/\1/p' pan.out 2>/dev/null
}

count=0
failed=0
report() { # passed? name
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		failed=$((failed + 1))
		echo "not ok $count - $2"
		tail -n 5 spin.out pan.out 2>/dev/null | sed 's/^/# /'
	fi
}

[ $# -gt 0 ] || set -- "$here"/*.pml
for model in "$@"; do
	name=$(basename "$model" .pml)
	kinds="run\\|mutant${LONG:+\\|long}"
	sed -n -e "s/^ \* \($kinds\): *\(.*\)/\1 \2/p" \
		-e "s/^ \* \($kinds\):\$/\1 /p" "$model" >runs
	while read -r kind flags; do
		found=$(search "$model" "$flags")
		label=$(echo "$name $flags" | sed 's/-D//g; s/ *$//; s/[ =]/_/g')
		case $kind in
		run | long)
			[ "$found" = "errors: 0" ]
			report $? "${label}_holds"
			;;
		mutant)
			[ "$found" = "errors: 1" ]
			report $? "${label}_is_refuted"
			;;
		esac
	done <runs
done
echo "1..$count"
[ "$failed" -eq 0 ]
