# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Patches as commits on base in a store of their own, so that build/linux stays as
# it is; sourced after lib.sh, never run.

# scratch_store FOLDER: what git makes from now on goes there.
scratch_store() {
	[ -d "$TREE/.git" ] || die "there is no build/linux; run 'make tree' first"
	mkdir -p "$1/objects"
	export GIT_DIR=$TREE/.git GIT_INDEX_FILE=$1/index GIT_OBJECT_DIRECTORY=$1/objects
	export GIT_ALTERNATE_OBJECT_DIRECTORIES=$TREE/.git/objects
	SCRATCH=$1
}

field() { sed -n "s/^$1: //p" "$SCRATCH/info"; }

# scratch_commits START PATCH...: sets $commit to the last one, START being where they
# begin; dies at a patch that does not apply, and says which.
scratch_commits() {
	local p
	ngit read-tree "$1"
	commit=$(ngit rev-parse "$1")
	shift
	for p in "$@"; do
		ngit mailinfo -u "$SCRATCH/body" "$SCRATCH/diff" <"$p" >"$SCRATCH/info" &&
			ngit apply --cached --whitespace=nowarn "$SCRATCH/diff" 2>"$SCRATCH/err" ||
			die "${p##*/} does not apply: $(head -n1 "$SCRATCH/err")"
		commit=$({ field Subject; echo; cat "$SCRATCH/body"; } |
			GIT_AUTHOR_NAME=$(field Author) GIT_AUTHOR_EMAIL=$(field Email) \
			GIT_AUTHOR_DATE=$(field Date) GIT_COMMITTER_DATE=$(field Date) \
			GIT_COMMITTER_NAME=series GIT_COMMITTER_EMAIL=series@localhost \
			ngit commit-tree "$(ngit write-tree)" -p "$commit")
	done
}

# scratch_series SERIES PATCH...: these on top of the series before it; sets $start, the
# last commit of those, and $commit.
scratch_series() {
	local name=$1 earlier
	shift
	mapfile -t earlier < <(earlier_patches "$name")
	scratch_commits base "${earlier[@]}"
	start=$commit
	scratch_commits "$start" "$@"
}
