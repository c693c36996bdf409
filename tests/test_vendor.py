"""What static/vendor/vendor.toml says about other people's files is true and complete."""

import hashlib
import tomllib
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "static"


def _listed() -> dict[str, str]:
    listing = tomllib.loads((STATIC / "vendor" / "vendor.toml").read_text(encoding="utf-8"))
    return {
        file["path"]: file["sha256"] for package in listing["package"] for file in package["files"]
    }


def test_every_listed_file_has_the_listed_checksum() -> None:
    found = {path: hashlib.sha256((STATIC / path).read_bytes()).hexdigest() for path in _listed()}
    assert found == _listed()


def test_every_vendored_file_is_listed() -> None:
    on_disk = {
        path.relative_to(STATIC).as_posix()
        for path in (STATIC / "vendor").rglob("*")
        if path.is_file() and path.name != "vendor.toml"
    }
    assert on_disk == {path for path in _listed() if path.startswith("vendor/")}


def test_every_package_names_version_licence_and_homepage_and_ships_its_licence() -> None:
    listing = tomllib.loads((STATIC / "vendor" / "vendor.toml").read_text(encoding="utf-8"))
    assert len(listing["package"]) == 5
    for package in listing["package"]:
        assert package["version"]
        assert package["licence"]
        assert package["homepage"].startswith("https://")
        licence = STATIC / package["files"][-1]["path"]
        assert licence.name == "LICENSE"
        assert len(licence.read_text(encoding="utf-8")) > 400
