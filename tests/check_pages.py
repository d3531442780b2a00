"""Opens every page of a folder in headless Chromium with the network off: `python tests/check_pages.py reports/local
[--shots DIR]`.

Fails on a failed or attempted request, a console error, an error in a script, an image without size, a page wider
than its window, or
mathematics left as source. Skipped, with one line, where there is no Chromium or no playwright."""

import argparse
import shutil
import sys
from pathlib import Path

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = (1280, 390)  # CSS px: a desktop and a phone

LOOK = """() => ({
  empty: [...document.images].filter(i =>
    !(i.complete && i.naturalWidth > 0 && i.getBoundingClientRect().width > 0)).length,
  images: document.images.length,
  math: document.querySelectorAll('math').length,
  flat: [...document.querySelectorAll('math')].filter(m => m.getBoundingClientRect().height < 4).length,
  wide: document.documentElement.scrollWidth - window.innerWidth,
  source: [...document.querySelectorAll('p, li, td')].filter(e =>
    /\\$\\$|\\\\frac|\\\\text\\{|emMathPlaceholder/.test(e.textContent)).length,
  broken: [...document.querySelectorAll('math')].filter(m => m.textContent.includes('\\\\')).length,
  sliders: document.querySelectorAll('input[type=range]').length,
})"""

SLIDE = """() => [...document.querySelectorAll('input[type=range]')].every(r => {
  r.value = 80; r.dispatchEvent(new Event('input'));
  return getComputedStyle(r.parentNode).getPropertyValue('--at').trim() === '80%'; })"""


def faults_of(page, path, shots):
    "Return the faults of one page; save a screenshot per width when `shots` is a folder."
    faults = []
    page.on("requestfailed", lambda r: faults.append(f"request failed: {r.url[:120]}"))
    page.on(
        "request",
        lambda r: faults.append(f"request to the network: {r.url[:120]}") if r.url.startswith(("http", "ws")) else None,
    )
    page.on("console", lambda m: faults.append(f"console: {m.text[:200]}") if m.type == "error" else None)
    page.on("pageerror", lambda e: faults.append(f"script error: {str(e)[:200]}"))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path.resolve().as_uri())
        seen = page.evaluate(LOOK)
        if seen["empty"]:
            faults.append(f"{seen['empty']} of {seen['images']} images have no size at {width} px")
        if seen["flat"]:
            faults.append(f"{seen['flat']} of {seen['math']} formulas are not drawn at {width} px")
        if seen["wide"] > 1:
            faults.append(f"the page is {seen['wide']} px wider than a window of {width} px")
        if seen["broken"]:
            faults.append(f"{seen['broken']} formulas have a command that was not understood")
        if seen["source"]:
            faults.append(f"{seen['source']} passages show LaTeX source")
        if shots:
            page.screenshot(path=shots / f"{path.stem}-{width}.png", full_page=True)
            page.screenshot(path=shots / f"{path.stem}-{width}-first.png")
    if not page.evaluate(SLIDE):
        faults.append("a slider does not move")
    box = page.query_selector("#em-code")
    if box:
        shown = lambda: page.evaluate(
            "[...document.querySelectorAll('.jp-CodeCell .jp-Cell-inputWrapper')].some(e => e.offsetHeight > 0)"
        )
        ticked = box.is_checked()  # pages of the library open with code, the others without
        before = shown()
        box.set_checked(not ticked)
        if before != ticked or shown() == ticked:
            faults.append("the box `show code` does not hide and show the code")
    return seen, list(dict.fromkeys(faults))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="folders with HTML pages")
    parser.add_argument("--shots", type=Path, help="folder for screenshots")
    args = parser.parse_args()
    chromium = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return print("check_pages: skipped, playwright is not installed")
    if chromium is None:
        return print("check_pages: skipped, there is no Chromium here")
    pages = [page for folder in args.folders for page in sorted(folder.glob("*.html"))]
    if not pages:
        sys.exit(f"check_pages: no pages in {', '.join(map(str, args.folders))}; run `make study` first")
    if args.shots:
        args.shots.mkdir(parents=True, exist_ok=True)
    bad = 0
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS)
        for path in pages:
            context = browser.new_context(offline=True)
            seen, faults = faults_of(context.new_page(), path, args.shots)
            context.close()
            size = path.stat().st_size / 2**20
            print(
                f"{path}: {size:.2f} MB, {seen['images']} images, {seen['math']} formulas, {seen['sliders']} sliders"
                + "".join(f"\n  FAULT {f}" for f in faults)
            )
            bad += bool(faults)
        browser.close()
    print(f"{len(pages) - bad} passed, {bad} failed")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
