# Shared by the scripts that prove things in a Debian of their own, with this machine's mirrors and proxy. Sourced after lib.sh.

# deb lines of the Debian archives this machine's apt knows.
debian_sources() {
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' | sort -u
}

# How this machine's apt fetches (proxies, time checks), as a configuration; not what else it fetches.
debian_fetching() {
  apt-config dump | grep -E '^Acquire::(https?|Check-|Retries|Max-)[^ ]* "[^"]+";$' || true
}

# debian_root DIR: a bare Debian 12 there, in place of what was there. Made once, then unpacked.
debian_root() {
  local root=$1 kept=build/roots/bookworm.tar new mirror
  if [ ! -f "$kept" ]; then
    install_packages debootstrap
    say "a bare Debian 12"
    mkdir -p build/roots
    new=$(mktemp -d build/roots/new.XXXXXX)
    # The root of a system is open to everyone, unlike a temporary directory.
    chmod 755 "$new"
    mirror=$(debian_sources | awk '$3 == "bookworm" { print $2; exit }')
    [ -n "$mirror" ] || { echo "apt knows no archive of bookworm (apt-get update?)" >&2; return 1; }
    debootstrap --variant=minbase bookworm "$new" "$mirror" >"$new.log" || { tail -n 20 "$new.log" >&2; return 1; }
    rm -f "$new"/var/cache/apt/archives/*.deb
    tar -C "$new" --numeric-owner -cf "$kept.part" .
    mv "$kept.part" "$kept"
    rm -rf "$new" "$new.log"
  fi
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  tar -C "$root" --numeric-owner -xpf "$kept"
  debian_sources >"$root/etc/apt/sources.list"
  debian_fetching >"$root/etc/apt/apt.conf.d/90machine"
  # Nothing is started by an installation: there is no init.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
}

# in_root [--offline] [--read-only] [--writable DIR] [--user UID] [--bind FROM TO] DIR COMMAND ...
# Runs a command in the root, in mounts (and with --offline a loopback) of its own, which end with it.
in_root() {
  local namespaces=(--mount --propagation private --pid --fork --kill-child) user=() last='' root
  local setup='mount --bind "$ROOT" "$ROOT" && mount -t proc proc "$ROOT/proc" && mount --rbind /dev "$ROOT/dev"'
  while :; do
    case $1 in
      --offline) namespaces+=(--net) last+=' && ip link set lo up' ;;
      --read-only) last+=' && mount -o remount,bind,ro "$ROOT"' ;;
      # A mount of its own stays writable.
      --writable) setup+=" && mount --bind \"\$ROOT$2\" \"\$ROOT$2\""; shift ;;
      --user) user=(setpriv "--reuid=$2" "--regid=$2" --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs); shift ;;
      --bind) setup+=" && mount --bind '$(realpath "$2")' \"\$ROOT$3\""; shift 2 ;;
      *) break ;;
    esac
    shift
  done
  root=$(realpath "$1")
  shift
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} ROOT="$root" \
    unshare "${namespaces[@]}" sh -c "$setup$last"' && exec chroot "$ROOT" "$@"' sh "${user[@]}" "$@"
}
