#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Completes words as bash would. Argument: the script that hawserctl made.
set -u
source "$1" || exit 1
failed=0 count=0

# expect WORDS... -- COMPLETIONS...: the last word is the one under the cursor
expect() {
	local wanted=
	COMP_WORDS=(hawserctl)
	while [ "$1" != -- ]; do
		COMP_WORDS+=("$1")
		shift
	done
	shift
	wanted=$*
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	((count++))
	_hawserctl
	if [ "${COMPREPLY[*]}" != "$wanted" ]; then
		echo "FAILED: ${COMP_WORDS[*]}: '${COMPREPLY[*]}', expected '$wanted'"
		failed=1
	fi
}

expect w -- watch why
expect r -- ro
expect ro '' -- start stop
expect clear '' -- binding counters
expect c -- clear completion
expect show pair -- pairs pair_events
expect --socket /tmp/x show pair -- pairs pair_events
expect -s /tmp/x --json watch bi -- bindings
expect show pairs '' -- mn= peer= state= prefix=
expect show pairs s -- state=
expect show node '' --
expect show drops wor -- worker=
expect why '' --
expect --so -- --socket
expect show bindings --w -- --wide
expect dance '' --
cd "$(dirname "$1")" && expect decode hawserctl.b -- hawserctl.bash
[ "$failed" = 0 ] && echo "$count completions are right"
exit "$failed"
