# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # variables are for the scripts that source it
# Shared by the scripts beside it; sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD=$ROOT/build
TREE=$BUILD/linux
BASETREE=$BUILD/linux.base
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/pkvm-its
export LC_ALL=C

# Set by git when a hook calls us; they would redirect every git command below.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX GIT_OBJECT_DIRECTORY

# shellcheck source=../series/base
. "$ROOT/series/base"

PROG=$(basename "$0")
say() { printf '%s: %s\n' "$PROG" "$*" >&2; }
die() { say "error: $*"; exit 1; }

# git without the user's and the system's settings, so that everybody gets the
# same hashes and the same patch text.
ngit() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
		git -c safe.directory='*' -c core.quotePath=false "$@"
}

# One tree-changing command at a time per clone; $1 = a worktree of its own.
lock_build() {
	mkdir -p "$BUILD"
	exec 9>"$BUILD/.lock${1:+.$1}"
	flock -n 9 || { say "waiting for another command that uses build/"; flock 9; }
}

# Each a series of its own, with a cover letter, in the order of application; one
# without patches need not be there.
SERIES_DIRS="series series-redist"

# The patches of series $1, or of all, in order; cover letters are none of them.
series_patches() {
	local name
	for name in ${1:-$SERIES_DIRS}; do
		[ ! -d "$ROOT/$name" ] ||
			find "$ROOT/$name" -maxdepth 1 -name '[0-9][0-9][0-9][0-9]-*.patch' \
				! -name '0000-*' | sort
	done
}

# The patches that series $1 stands on.
earlier_patches() {
	local name
	for name in $SERIES_DIRS; do
		[ "$name" != "$1" ] || break
		series_patches "$name"
	done
}

is_series() {
	[[ " $SERIES_DIRS " = *" $1 "* ]] || die "there is no series '$1', but: $SERIES_DIRS"
}

series_digest() {
	local p
	series_patches | while read -r p; do
		printf '%s\n' "${p##*/}"
		cat "$p"
	done | sha256sum | cut -d' ' -f1
}

# Which commits of $TREE are which series: lines "SERIES FROM TO".  Each but the
# first begins after the commit whose subject is in its file "after"; without that
# file it has none.
series_ranges() {
	local name=series from=base next after found count
	for next in ${SERIES_DIRS#series }; do
		[ -f "$ROOT/$next/after" ] || continue
		after=$(cat "$ROOT/$next/after")
		found=$(ngit -C "$TREE" log --format='%H %s' base..series |
			while read -r commit subject; do
				[ "$subject" != "$after" ] || echo "$commit"
			done)
		count=$(wc -w <<<"$found")
		[ "$count" = 1 ] ||
			die "$next/after: $count commits of base..series in build/linux" \
				"are called '$after', instead of one"
		echo "$name $from $found"
		name=$next from=$found
	done
	echo "$name $from series"
}

# Write the commits base..series of $TREE to a folder of directory $1 for each
# series, byte for byte the same for everybody: no hashes of commits, no git
# version, no user settings.  Renames are spelled out so that "new file" always
# means what it says.
write_patches() {
	local ranges name from to
	ranges=$(series_ranges) || return
	while read -r name from to; do
		ngit -C "$TREE" format-patch -q -o "$1/$name" --numbered --zero-commit \
			--no-signature --no-notes --no-thread --no-attach --no-renames \
			--abbrev=12 --diff-algorithm=myers --src-prefix=a/ --dst-prefix=b/ \
			--subject-prefix=PATCH "$from..$to" || return
	done <<<"$ranges"
}

# What `make tree` or `make refresh` last left: the commit and the text of patches
# it stands for.  Everything else in $TREE is work that exists nowhere else.
record_applied() {
	ngit -C "$TREE" update-ref refs/series/applied "$1"
	printf '%s\n' "$2" >"$TREE/.git/series-digest"
}

tree_is_clean() { [ -z "$(ngit -C "$1" status --porcelain)" ]; }

# Directories of the kernel whose files may be kept in this repository as well.
# scripts/ is missing: that name is taken by our own scripts.
KERNEL_DIRS="arch block certs crypto Documentation drivers fs include init \
io_uring ipc kernel lib mm net rust samples security sound tools usr virt"

is_kernel_path() {
	case " $KERNEL_DIRS " in
	*" ${1%%/*} "*) [ "$1" != "${1#*/}" ] ;;
	*) return 1 ;;
	esac
}

# In-tree copies kept in this repository, as sorted relative paths.
kept_files() {
	local d
	for d in $KERNEL_DIRS; do
		[ ! -d "$ROOT/$d" ] || (cd "$ROOT" && find "$d" -type f)
	done | sort
}

# Is directory $1, made by write_patches, what the folders of the series hold?
same_patches() {
	[ "$(cd "$ROOT" && ROOT=. series_patches)" = "$(cd "$1" && ROOT=. series_patches)" ] &&
		(cd "$1" && ROOT=. series_patches) | while read -r p; do
			cmp -s "$1/$p" "$ROOT/$p" || exit 1
		done
}

# A worktree of $TREE that is ours alone: build/linux.$1, whatever it held before
# replaced by commit $2.  Only files that differ are written, so that the build
# in it stays incremental.  Prints its path.
private_worktree() {
	local dir=$BUILD/linux.$1
	[ -d "$TREE" ] || die "there is no build/linux; run 'make tree' first"
	# Without .git of its own, git would act on the repository around it.
	if [ ! -e "$dir/.git" ] ||
		! ngit -C "$dir" rev-parse -q --verify HEAD >/dev/null 2>&1; then
		rm -rf "$dir"
		ngit -C "$TREE" worktree prune
		ngit -C "$TREE" worktree add -q --no-checkout --detach "$dir" "$2" >&2
	fi
	ngit -C "$dir" checkout -q --force --detach "$2" >&2
	ngit -C "$dir" clean -fdq >&2
	echo "$dir"
}
