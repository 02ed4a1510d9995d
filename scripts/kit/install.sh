#!/bin/sh
# Installs Airlock from the folder that this file is in. No network is needed. The same command brings a newer one: it takes the place of
# the older at one stroke, and that stays beside it.
set -eu

usage() {
  cat <<'TEXT'
Usage: sh install.sh [--root FOLDER] [--no-service]

  --root FOLDER   install below FOLDER, such as the root of an image; nothing is started there
  --no-service    only the commands, for the machine of an operator or a brand's admin
TEXT
}

fail() {
  echo "error: $1" >&2
  exit 1
}

root=''
service=yes
while [ $# -gt 0 ]; do
  case "$1" in
    --root) [ $# -gt 1 ] || { usage >&2; exit 2; }; root=${2%/}; shift 2 ;;
    --no-service) service=no; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

kit=$(dirname "$(readlink -f "$0")")
cd "$kit"
name=$(cat NAME)

# Every file is the one that was packed, none is missing, and none was added.
echo "Checking the files of $name..."
sha256sum --check --strict --quiet SHA256SUMS >&2 ||
  fail "cannot install from $kit: a file is damaged or missing; copy the kit here again"
listed=$(wc -l <SHA256SUMS)
[ "$(find . ! -type d | wc -l)" -eq $((listed + 1)) ] ||
  fail "cannot install from $kit: it holds files that are not of the kit; unpack it into an empty folder"

# What was compiled elsewhere must load here, or nothing is changed.
./.tools/node/bin/node --eval 'for (const name of ["pkcs11js", "libsql", "@temporalio/core-bridge"]) require(name)' >/dev/null 2>&1 ||
  fail "cannot run $name on this machine: it is for Linux on another processor, or for a newer C library; make the kit on a machine like this one"

target=$root/opt/airlock
mkdir -p "$target/releases" 2>/dev/null && [ -w "$target/releases" ] ||
  fail "cannot write to $target: run this as root, or choose a folder of your own with --root"

# Copied under another name first: a release has its own once it is whole.
if [ -d "$target/releases/$name" ]; then
  echo "$name is here already."
else
  part=$target/releases/.part-$$
  trap 'rm -rf "$part"' EXIT
  mkdir "$part"
  chmod 755 "$part"
  cp -R . "$part/" || fail "cannot copy the kit to $target: make room there and repeat"
  chmod -R u=rwX,go=rX "$part"
  [ "$(id -u)" -ne 0 ] || chown -R 0:0 "$part"
  sync
  mv "$part" "$target/releases/$name"
  trap - EXIT
fi
ln -sfn "releases/$name" "$target/.current-$$"
mv -T "$target/.current-$$" "$target/current"
mkdir -p "$root/usr/local/bin"
for program in airlock store-admin snap-store-proxy snap-proxy enterprise-store; do
  ln -sfn "../../../opt/airlock/current/bin/$program" "$root/usr/local/bin/$program"
done
echo "Installed $name."

tab=$(printf '\t')
while IFS=$tab read -r program what packages; do
  [ -e "$root/usr/bin/$program" ] || command -v "$program" >/dev/null 2>&1 ||
    echo "There is no $program here, for $what: install $packages from your distribution's medium." >&2
done <REQUIRES

[ "$service" = yes ] || exit 0
mkdir -p "$root/etc/airlock" "$root/etc/systemd/system" "$root/etc/sysusers.d"
[ -e "$root/etc/airlock/environment" ] || cp environment "$root/etc/airlock/environment"
cp airlock.service "$root/etc/systemd/system/airlock.service"
cp airlock.sysusers "$root/etc/sysusers.d/airlock.conf"
chmod 644 "$root/etc/airlock/environment" "$root/etc/systemd/system/airlock.service" "$root/etc/sysusers.d/airlock.conf"
if [ -n "$root" ] || [ ! -d /run/systemd/system ]; then
  echo 'The service airlock.service was written and not started.'
  exit 0
fi
systemd-sysusers /etc/sysusers.d/airlock.conf
systemctl daemon-reload
if systemctl --quiet is-active airlock.service; then
  systemctl restart airlock.service
  echo 'The service airlock.service was restarted.'
else
  systemctl --quiet enable airlock.service
  echo 'Look through /etc/airlock/environment, then: systemctl start airlock.service'
fi
