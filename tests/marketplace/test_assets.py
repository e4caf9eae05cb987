"""Third-party assets: installed once, only what is listed, and every icon that a template asks for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from marketplace import assets

ROOT = Path(__file__).resolve().parent.parent.parent
ICON_NAMES = re.compile(r'(?:<c-icon name|icon)="([a-z0-9-]+)"')


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A checkout whose node_modules were installed for its lock file."""
    (tmp_path / "package-lock.json").write_text("{}")
    modules = tmp_path / "node_modules"
    for source in assets.FILES.values():
        place = modules / source
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("body{}\n//# sourceMappingURL=x.map")
    curves = modules / "@noble/curves/esm/abstract"
    curves.mkdir(parents=True)
    (curves / "curve.js").write_text("import { a } from '@noble/hashes/utils';\n")
    (curves.parent / "secp256k1.js").write_text("import { b } from '@noble/hashes/sha2.js';\n")
    icons = modules / "@tabler/icons/icons/outline"
    icons.mkdir(parents=True)
    for name in assets.ICONS:
        (icons / f"{name}.svg").write_text(
            '<svg width="24"><path stroke="none" d="M0 0h24v24H0z" fill="none" />\n <path d="M1 1" /></svg>'
        )
    (modules / ".hearth-lock").write_text("{}")
    return tmp_path


def test_assets_are_installed_once_for_a_lock_file(base: Path):
    vendor = base / "var" / "vendor"
    assert assets.ensure(base, vendor)
    assert not assets.ensure(base, vendor)
    assert "sourceMappingURL" not in (vendor / "htmx/htmx.min.js").read_text()


def test_a_changed_lock_file_calls_npm_and_a_failure_says_what_to_do(base: Path, monkeypatch: pytest.MonkeyPatch):
    (base / "package-lock.json").write_text('{"changed": 1}')
    monkeypatch.setattr(assets.subprocess, "run", lambda *a, **k: type("Done", (), {"returncode": 1})())
    with pytest.raises(assets.AssetsMissing) as failure:
        assets.ensure(base, base / "var" / "vendor")
    assert "registry" in failure.value.hint


def test_nobles_imports_find_each_other_without_a_bundler(base: Path):
    vendor = base / "vendor"
    assets.ensure(base, vendor)
    assert "from '../../hashes/utils.js'" in (vendor / "noble/curves/abstract/curve.js").read_text()
    assert "from '../hashes/sha2.js'" in (vendor / "noble/curves/secp256k1.js").read_text()


def test_the_sprite_holds_shapes_without_the_empty_box(base: Path):
    text = assets.sprite(base / "node_modules/@tabler/icons/icons/outline")
    assert text.count("<symbol ") == len(assets.ICONS)
    assert "M0 0h24v24H0z" not in text
    assert '<symbol id="wallet" viewBox="0 0 24 24"><path d="M1 1" /></symbol>' in text


def test_a_misspelt_icon_is_refused(base: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(assets, "ICONS", ("walet",))
    with pytest.raises(assets.IconUnknown, match="walet"):
        assets.ensure(base, base / "vendor")


def test_every_icon_that_a_template_names_is_in_the_sprite():
    named: dict[str, set[str]] = {}
    for file in (ROOT / "templates").rglob("*.html"):
        for name in ICON_NAMES.findall(file.read_text()):
            named.setdefault(name, set()).add(file.name)
    missing: dict[str, Any] = {name: files for name, files in named.items() if name not in assets.ICONS}
    assert missing == {}
