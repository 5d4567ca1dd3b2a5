"""The Debian package of a baked service, which is built from the wheelhouse if there is one."""

import platform
import re
import shutil

from baking import PROJECT, bake, run


def test_the_package_is_built(tmp_path):
    depot = bake(tmp_path)
    if (PROJECT / "wheelhouse").exists():
        (depot / "wheelhouse").symlink_to(PROJECT / "wheelhouse")
    # nocheck: other tests have already run the service's tests with the same libraries.
    run(depot, "make", "deb", DEB_BUILD_OPTIONS="nocheck")
    release = platform.freedesktop_os_release()["VERSION_ID"]
    package = depot / f"dist/depot_0.1.0~deb{release}_{run(depot, 'dpkg', '--print-architecture').strip()}.deb"
    names = {package.with_suffix(suffix).name for suffix in (".buildinfo", ".changes", ".deb")}
    assert {path.name for path in package.parent.iterdir()} == names
    python = run(depot, "py3versions", "--default").strip()
    assert f" {python}," in run(depot, "dpkg-deb", "--field", str(package), "Depends")
    listed = run(tmp_path, "dpkg-deb", "--contents", str(package))
    for path in (
        "opt/venvs/depot/bin/depot-manage",
        "usr/bin/depot-manage",
        "usr/share/bash-completion/completions/depot-manage",
        "usr/share/depot/depot.ini",
        "usr/share/depot/licences.txt",
        "usr/share/depot/sbom.cdx.json",
        "usr/share/man/man1/depot-manage.1.gz",
    ):
        assert f" ./{path}\n" in listed
    # Debian 13 installs units under /usr.
    assert re.search(r" \./(usr/)?lib/systemd/system/depot\.service\n", listed)
    if shutil.which("lintian"):
        run(tmp_path, "lintian", "--fail-on", "error,warning", "--no-tag-display-limit", str(package))
