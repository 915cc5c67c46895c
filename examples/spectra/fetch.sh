#!/bin/sh
# Brings the spectrophotometric standards of Debian's package iraf-noao to data/LIST/STAR.dat: those of its files under
# noao/lib/onedstds whose lines are all three columns (wavelength, magnitude, bandpass width). IRAF itself is not installed.
# The data are IRAF's, Copyright 1986-2014 Association of Universities for Research in Astronomy Inc., under IRAF's free
# licence: see copyright in the same folder.
set -eu
cd "$(dirname "$0")"
[ -d data ] && exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
download() {
    (cd "$work" && apt-get -o APT::Sandbox::User=root download -q iraf-noao)
}
if ! download; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "$0: can't download the package iraf-noao; is the list of packages up to date? (sudo apt-get update)" >&2
        exit 1
    fi
    apt-get update -q
    download
fi
dpkg-deb -x "$work"/iraf-noao_*.deb "$work/package"
mkdir "$work/data"
cp "$work/package/usr/share/doc/iraf-noao/copyright" "$work/data/"
for list in "$work"/package/usr/lib/iraf/noao/lib/onedstds/*/; do
    mkdir "$work/data/$(basename "$list")"
    for file in "$list"*.dat; do
        if awk '!/^#/ && NF { rows++; if (NF != 3) exit 1 } END { if (rows == 0) exit 1 }' "$file"; then
            cp "$file" "$work/data/$(basename "$list")/"
        fi
    done
    rmdir --ignore-fail-on-non-empty "$work/data/$(basename "$list")"
done
cp -r "$work/data" data.new
mv data.new data
