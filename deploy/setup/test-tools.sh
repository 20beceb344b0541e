#!/bin/sh
# Installs what the tests need beside Python and npm packages: Debian's chromium (the one without
# windows), postgresql, nginx (the proxies) and prometheus (promtool).
# Only as root on Debian and only what is missing; otherwise the tests that need them skip.
set -eu

missing=
command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null ||
    missing="chromium-headless-shell fonts-liberation"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null ||
    missing="$missing postgresql"
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
command -v promtool >/dev/null || missing="$missing prometheus"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed (not root, or no apt): $missing; the tests that need them will skip"
    exit 0
fi
echo "installing for the tests: $missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || true
apt-cache show chromium-headless-shell >/dev/null 2>&1 || # Debian before 12, Ubuntu
    missing=$(echo "$missing" | sed 's/chromium-headless-shell/chromium/')
# shellcheck disable=SC2086  # a list of packages
apt-get install -qq -y --no-install-recommends $missing >/dev/null </dev/null ||
    echo "apt-get did not install $missing; the tests that need them will skip" >&2
