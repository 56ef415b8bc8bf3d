"""Perl (DBD::Pg), PHP (PDO and pg_*) and Ruby (pg), with their metadata calls."""

from recorder import HERE


def record(run):
    for argv in (["perl", "meta.pl"], ["php", "meta.php"], ["ruby", "meta.rb"]):
        run.drive(argv, run.environment(), cwd=HERE / "other")
