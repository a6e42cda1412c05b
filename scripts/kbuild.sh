# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Configuring and building kernels; sourced after lib.sh, never run.

# The kernel's make is its own master, also below `make -j images`.
unset MAKEFLAGS MFLAGS MAKELEVEL
export ARCH=arm64
export KBUILD_BUILD_TIMESTAMP="Thu Jan  1 00:00:00 UTC 2026"
export KBUILD_BUILD_USER=series KBUILD_BUILD_HOST=localhost KBUILD_BUILD_VERSION=1
# Set but empty: no "+" in the release for a tree that is not at a tag.
export LOCALVERSION=

cross=aarch64-linux-gnu-
[ "$(uname -m)" != aarch64 ] || cross=
cc=${cross}gcc
command -v "$cc" >/dev/null || die "no compiler $cc; run scripts/packages"
! command -v ccache >/dev/null || cc="ccache $cc"

# kmake SOURCE OUT ARG...: OUT lies inside SOURCE, so that kbuild uses relative
# paths and ccache serves all clones, and base and series, from the same entries.
kmake() {
	local src=$1 out=$2
	shift 2
	make -C "$src" O="$out" CROSS_COMPILE="$cross" CC="$cc" "$@"
}

fragments() { # $1 = variant; prints the files
	local line f
	line=$(sed -nE "s/^$1:[[:space:]]*//p" "$ROOT/config/variants")
	[ -n "$line" ] ||
		die "no variant '$1'; config/variants has:" \
			"$(sed -nE 's/^([^#: ]+):.*/\1/p' "$ROOT/config/variants" | xargs)"
	for f in $line; do
		[ -f "$ROOT/config/$f.config" ] || die "variant '$1': no config/$f.config"
		echo "$ROOT/config/$f.config"
	done
}

# Is symbol $1 of a fragment one that the series brings later than source $2?
comes_later() {
	local re="^[[:space:]]*(menu)?config ${1#CONFIG_}\$"
	ngit -C "$TREE" grep -qE "$re" -- '*Kconfig*' &&
		! ngit -C "$2" grep -qE "$re" -- '*Kconfig*'
}

# check_config CONFIG SOURCE FRAGMENT...: every line of the fragments is in CONFIG.
check_config() {
	local config=$1 src=$2 line sym lost=()
	shift 2
	while read -r line; do
		sym=${line%%=*}
		if [ "${line#*=}" = n ]; then
			! grep -q "^$sym=" "$config" || lost+=("$line")
		elif ! grep -qxF "$line" "$config"; then
			comes_later "$sym" "$src" || lost+=("$line")
		fi
	done < <(sed -n '/^CONFIG_/p' "$@")
	[ ${#lost[@]} = 0 ] ||
		die "these lines did not survive into the configuration: ${lost[*]}"
}

# The configuration is made beside .config and moved over it only when it
# differs: an unchanged one costs no rebuild.
configure() { # $1 = source, $2 = out, $3 = log, $4... = fragments
	local src=$1 out=$2 log=$3 stamp new=$2/config.new
	shift 3
	stamp=$({
		cat "$@"
		"${cc##* }" --version
		ngit -C "$src" rev-parse HEAD
		ngit -C "$src" diff HEAD -- '*Kconfig*'
	} | sha256sum)
	if [ ! -f "$out/.config" ] ||
		[ "$stamp" != "$(cat "$out/config.stamp" 2>/dev/null)" ]; then
		rm -f "$new" "$out/config.stamp"
		{
			KCONFIG_CONFIG=$new kmake "$src" "$out" allnoconfig &&
			(cd "$src" && KCONFIG_CONFIG=$new \
				./scripts/kconfig/merge_config.sh -m "$new" "$@") &&
			KCONFIG_CONFIG=$new kmake "$src" "$out" olddefconfig
		} >>"$log" 2>&1 || fail "configuration" "$log"
		check_config "$new" "$src" "$@"
		cmp -s "$new" "$out/.config" || cp "$new" "$out/.config"
		rm -f "$new" "$new.old"
		echo "$stamp" >"$out/config.stamp"
	fi
	# Also when nothing was made anew: a .config edited by hand is not ours.
	check_config "$out/.config" "$src" "$@"
}

fail() { # $1 = phase, $2 = log
	say "error: $1 failed; first errors:"
	grep -nE '(error:|Error [0-9]|undefined reference|\*\*\*|No rule to make)' "$2" |
		head -n 8 >&2 || tail -n 8 "$2" >&2
	say "whole log: $2"
	exit 1
}

progress() {
	local tty=0
	[ ! -t 2 ] || tty=1
	awk -v tty=$tty '
		tty && NR % 10 == 0 { printf "\r  %d steps", NR >"/dev/stderr" }
		!tty && NR % 200 == 0 { printf "  %d steps\n", NR >"/dev/stderr" }
		END { if (tty && NR >= 10) printf "\r               \r" >"/dev/stderr" }'
}

# Put a file in place by renaming; a reader never sees half of it.
publish() { # $1 = file, $2 = destination
	[ ! -L "$2" ] && cmp -s "$1" "$2" && return
	cp "$1" "$2.tmp"
	mv -f "$2.tmp" "$2"
}

# A warning in a file of the series is an error.  The files are touched, so that
# the next run compiles them again instead of passing without a word.
check_warnings() { # $1 = source, $2 = log
	local files hits
	files=$({
		ngit -C "$1" diff --name-only base
		ngit -C "$1" ls-files -o --exclude-standard
	} | sort -u)
	[ -n "$files" ] || return 0
	hits=$({ grep -E '^[^ ]+:[0-9]+:.*warning:' "$2" || :; } | sed 's,^\(\.\./\)*,,' |
		awk -F: 'NR == FNR { own[$0]; next } $1 in own' \
			<(printf '%s\n' "$files") -)
	[ -n "$hits" ] || return 0
	printf '%s\n' "$hits" | cut -d: -f1 | sort -u |
		while read -r f; do touch "$1/$f"; done
	say "error: $(printf '%s\n' "$hits" | wc -l) warnings in files of the series:"
	printf '%s\n' "$hits" | head -n 8 >&2
	say "whole log: $2"
	exit 1
}

build_modules() { # $1 = source, $2 = out, $3 = destination, $4 = log
	local from=$ROOT/tests/guest/module to=$3/module f ko
	[ -f "$from/Kbuild" ] || return 0
	# kbuild writes beside the sources, hence a copy for each image; a new one
	# when a file came or went.
	if [ "$(ls "$from")" != "$(cat "$to/.sources" 2>/dev/null)" ]; then
		rm -rf "$to" "$3"/*.ko
		mkdir "$to"
		ls "$from" >"$to/.sources"
	fi
	for f in "$from"/*; do publish "$f" "$to/${f##*/}"; done
	kmake "$1" "$2" M="$to" modules >>"$4" 2>&1 || fail "guest module" "$4"
	for ko in "$to"/*.ko; do publish "$ko" "$3/${ko##*/}"; done
}

# build_kernel SOURCE VARIANT DESTINATION: an incremental build in SOURCE; the
# guest modules and build.log go to DESTINATION.
build_kernel() {
	local src=$1 variant=$2 dest=$3 out=$1/out.$2 log=$3/build.log list files
	list=$(fragments "$variant")
	mapfile -t files <<<"$list"
	mkdir -p "$out" "$dest"
	: >"$log"

	configure "$src" "$out" "$log" "${files[@]}"
	kmake "$src" "$out" -j"${JOBS:-$(nproc)}" Image modules 2>&1 |
		tee -a "$log" | progress || fail "build of ${dest##*/}" "$log"
	build_modules "$src" "$out" "$dest" "$log"
}

# publish_kernel SOURCE VARIANT DESTINATION: what build_kernel made.
publish_kernel() {
	local out=$1/out.$2
	publish "$out/.config" "$3/config"
	publish "$out/System.map" "$3/System.map"
	publish "$out/arch/arm64/boot/Image" "$3/Image"
}

# Kernel files that commit $1 changes; selftests have a build of their own.
touched() { ngit -C "$TREE" diff --name-only base "$1" | grep -v '^tools/'; }

# touched_objects SOURCE COMMIT: the objects of the files touched that SOURCE has.
touched_objects() {
	touched "$2" | grep '\.c$' | while read -r f; do
		[ -f "$1/$f" ] || continue
		case $f in
		*/hyp/nvhe/*) echo "${f%.c}.nvhe.o" ;;
		*) echo "${f%.c}.o" ;;
		esac
	done
}

# touched_warnings COMMIT: what compilers and checkers say on stdin of these files,
# without the line numbers, which move.
touched_warnings() {
	{ grep -E '^[^ ]+:[0-9]+:.*(warning|error):' || :; } |
		sed -E 's,^(\.\./)*,,; s,^([^:]+):[0-9]+(:[0-9]+)?:,\1:,' |
		awk -F: 'NR == FNR { own[$0]; next } $1 in own' <(touched "$1") - |
		sort
}
