# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by ./run and ./test, at the top of the repository.

# start PROGRAM ARG...: packages, source tree and the images that PROGRAM names
# for these arguments (with --variants, one per line), then PROGRAM itself.
start() {
	local program=$1 arg variants
	shift
	for arg in "$@"; do
		case $arg in
		-h | --help | --list)
			command -v python3 >/dev/null || scripts/packages
			exec python3 "$program" "$@"
			;;
		esac
	done
	scripts/packages
	# First, so that a mistyped name fails before anything is built.
	variants=$(python3 "$program" --variants "$@")
	if [ -n "$variants" ]; then
		scripts/tree
		# shellcheck disable=SC2086 # a list of words
		scripts/images $variants
	fi
	exec python3 "$program" "$@"
}
