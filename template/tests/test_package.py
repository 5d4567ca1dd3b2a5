"""A baked service's Debian package is built, where Debian's tools are; from the wheelhouse, where that is filled."""

import shutil

from baking import PROJECT, bake, run


def test_it_is_built(tmp_path):
    depot = bake(tmp_path)
    if (PROJECT / "wheelhouse").exists():
        (depot / "wheelhouse").symlink_to(PROJECT / "wheelhouse")
    # Its tests have been run already, with the same libraries.
    run(depot, "dpkg-buildpackage", "--unsigned-changes", "--build=binary", DEB_BUILD_OPTIONS="nocheck")
    [package] = tmp_path.glob("depot_0.1.0_*.deb")
    listed = run(tmp_path, "dpkg-deb", "--contents", str(package))
    for path in (
        "lib/systemd/system/depot.service",
        "opt/venvs/depot/bin/depot-manage",
        "usr/bin/depot-manage",
        "usr/share/bash-completion/completions/depot-manage",
        "usr/share/depot/depot.ini",
        "usr/share/man/man1/depot-manage.1.gz",
    ):
        assert f" ./{path}\n" in listed
    if shutil.which("lintian"):
        run(tmp_path, "lintian", "--fail-on", "error,warning", "--no-tag-display-limit", str(package))
