#!/usr/bin/env bash
# Makes a big log: the recordings (PostgreSQL 15, short prefix) repeated up to the size. Each statement gets a number of
# its own, as in a log of long sessions, so that no line comes twice.
#
#   benches/big-log.sh FOLDER MEGABYTES      writes FOLDER/big.log; needs perl
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:?the folder}
megabytes=${2:?the size}
for log in tests/recordings/*.on-short.log*; do
    case $log in
        # Half of all bytes are pgAdmin's; the people's logs are not what a day looks like; a log is that of one version.
        */pgadmin.* | */people_* | *_1[0-9].*) ;;
        *.gz) gzip -dc "$log" ;;
        *) cat "$log" ;;
    esac
done >"$folder/once.log"
perl -e '
    my ($file, $size) = @ARGV;
    local $/;
    open my $log, "<:raw", $file or die $!;
    my $once = <$log>;
    binmode STDOUT;
    my ($number, $written) = (0, 0);
    while ($written < $size) {
        (my $copy = $once) =~ s/(AUDIT: (?:SESSION|OBJECT),)[0-9]+,/$1 . ++$number . ","/ge;
        print $copy;
        $written += length $copy;
    }' "$folder/once.log" $((megabytes * 1000000)) >"$folder/big.log"
rm "$folder/once.log"
