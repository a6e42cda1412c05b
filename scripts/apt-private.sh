# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced: apt with its own lists, cache and sources.  The machine's apt
# configuration is only read: for the address of its Debian mirror, its proxy
# settings and the archive keyring.

# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

command -v apt-get >/dev/null ||
	die "no apt-get on this machine; use LINUX=/path/to/linux (a $BASE_RELEASE.y source tree)"

APTDIR=$CACHE/apt

archive_keyring() {
	local k
	for k in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		[ -r "$k" ] && { echo "$k"; return; }
	done
	die "the Debian archive keyring is missing (package debian-archive-keyring)"
}

# "URI SUITE" of every configured entry for this machine's own Debian release.
# --print-uris understands all forms of sources, and needs no lists and no root.
# Entries of other archives with the same suite name fall out later: they are
# not signed by the Debian archive keyring.
own_mirrors() {
	local codename
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	apt-get update --print-uris 2>/dev/null |
		sed -nE "s,^'(.+)/dists/([^/']+)/(In)?Release' .*,\1 \2,p" |
		awk -v own="$codename" '
			($2 == own || $2 ~ /^(oldstable|stable|testing|unstable|sid)$/) \
				&& !seen[$0]++'
}

# private_apt ARCH URI SUITE: use exactly this source from now on.
private_apt() {
	mkdir -p "$APTDIR/lists/partial" "$APTDIR/cache/archives/partial"
	echo "deb [signed-by=$(archive_keyring) arch=$1 target=Packages] $2 $3 main" \
		>"$APTDIR/sources.list"
	# The hooks of the machine (#clear) would act on its own lists and cache.
	# Sandbox::User: the directories belong to whoever runs this.
	cat >"$APTDIR/apt.conf" <<-EOF
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
		APT::Architecture "$1";
		#clear APT::Architectures;
		APT::Architectures { "$1"; };
		APT::Sandbox::User "root";
		APT::Update::Error-Mode "any";
		APT::Get::AllowUnauthenticated "false";
		Acquire::AllowInsecureRepositories "false";
		Acquire::AllowWeakRepositories "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::Etc::SourceList "$APTDIR/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State::Lists "$APTDIR/lists";
		Dir::State::status "/dev/null";
		Dir::Cache "$APTDIR/cache";
		Dir::Cache::archives "$APTDIR/cache/archives";
	EOF
	apt-get -c "$APTDIR/apt.conf" -q update >"$APTDIR/update.log" 2>&1
}

# Versions of package $1 in the source chosen last, newest first.
private_versions() {
	apt-cache -c "$APTDIR/apt.conf" madison "$1" 2>/dev/null |
		awk -F'|' '{ gsub(/ /, "", $2); print $2 }' | sort -Vru
}

# private_download PACKAGE=VERSION DIR: checked by apt against the signed lists,
# then renamed into DIR so that no other clone ever sees half a file.  Prints
# the path.
private_download() {
	local tmp deb
	mkdir -p "$2"
	tmp=$(mktemp -d "$2/.download.XXXXXX")
	# A terminal gets apt's progress line, a log gets one line per file.
	if ! (cd "$tmp" && apt-get -c "$APTDIR/apt.conf" download "$1" >&2); then
		rm -rf "$tmp"
		die "the download of $1 failed"
	fi
	deb=$(find "$tmp" -name '*.deb')
	(cd "$tmp" && sha256sum "${deb##*/}") >"$2/${deb##*/}.sha256"
	mv "$deb" "$2/"
	rmdir "$tmp"
	echo "$2/${deb##*/}"
}

# cached_deb DIR PATTERN: the newest complete file, checked; prints the path.
cached_deb() {
	local deb
	[ -d "$1" ] || return 1
	deb=$(find "$1" -maxdepth 1 -name "$2" | sort -Vr | head -n1)
	[ -n "$deb" ] || return 1
	if (cd "$1" && sha256sum --status -c "${deb##*/}.sha256" 2>/dev/null); then
		echo "$deb"
	else
		say "${deb##*/} in the cache is damaged, fetching it again"
		rm -f "$deb" "$deb.sha256"
		return 1
	fi
}

# Clones share the cache; one of them downloads, the others wait for it.
lock_cache() {
	mkdir -p "$CACHE"
	exec 8>"$CACHE/lock"
	flock -n 8 || { say "waiting for another download"; flock 8; }
}
