"""The explorer in a real JupyterLab, driven in headless Chromium: it opens, runs, follows its controls, and nothing
fails."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from check_pages import FLAGS
from conftest import ENV, ROOT

pytestmark = pytest.mark.xdist_group("explorer")
BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.fixture(scope="module")
def browser():
    "Headless Chromium; skips where there is none."
    play = pytest.importorskip("playwright.sync_api", reason="skipped: playwright is not installed").sync_playwright
    if BROWSER is None:
        pytest.skip("skipped: there is no Chromium here")
    with play() as driver:
        one = driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield one
        one.close()


def write_explorer(folder, data):
    "An explorer.ipynb in a new folder that shows the small simulated data set."
    notebook = json.loads((ROOT / "nbs" / "explore.ipynb").read_text())
    cell = next(c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", []))
    cell["source"] = [f"data, model = {str(data)!r}, None"]
    folder.mkdir()
    (folder / "explore.ipynb").write_text(json.dumps(notebook))


@contextmanager
def served(home, arguments, address, cwd=None, **more):
    "A Jupyter server that keeps all of its own in `home`; what `address` returns, once it is true, while it runs."
    env = {
        **ENV,
        "JUPYTER_PREFER_ENV_PATH": "1",
        **{f"JUPYTER_{n}_DIR": str(home / n.lower()) for n in ("CONFIG", "DATA", "RUNTIME")},
        "IPYTHONDIR": str(home / "ipython"),
        **more,
    }
    with open(home / "log.txt", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=cwd, env=env, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 60
        while not (found := address()):
            assert server.poll() is None and time.monotonic() < deadline, (home / "log.txt").read_text()[-3000:]
            time.sleep(0.2)
        yield found
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


@pytest.fixture(scope="module")
def lab(tmp_path_factory, data):
    "The address of a JupyterLab whose explorer.ipynb shows the small simulated data set."
    home = tmp_path_factory.mktemp("lab")
    write_explorer(home / "work", data)
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    command = [
        "jupyter",
        "lab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--port=0",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={home / 'work'}",
    ]

    def address():
        return next(
            (json.loads(path.read_text() or "{}").get("url") for path in (home / "runtime").glob("jpserver-*.json")),
            None,
        )

    with served(
        home,
        command,
        address,
        JUPYTERLAB_SETTINGS_DIR=str(home / "settings"),
        JUPYTERLAB_WORKSPACES_DIR=str(home / "workspaces"),
    ) as found:
        yield found


@pytest.fixture(scope="module")
def page(browser, lab):
    "The explorer, opened and run from the menu; a list of what went wrong in the browser hangs on it."
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.faults = []
    page.on("pageerror", lambda e: page.faults.append(f"script: {e}"))
    page.on(
        "console",
        lambda m: (
            page.faults.append(f"console: {m.text}")
            if m.type == "error" and "Failed to load resource" not in m.text
            else None
        ),
    )
    page.goto(f"{lab}lab/tree/explore.ipynb?reset")
    page.get_by_text("| Idle").first.wait_for(timeout=60_000)  # the status bar: the kernel is there
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
    page.locator(".em-x .widget-image").first.wait_for(timeout=60_000)
    return page


def picture(page, number):
    "The address of a picture's pixels; it changes with them."
    return page.locator(".em-x .widget-image").nth(number).get_attribute("src")


def changes(page, number, act):
    "Seconds until a picture has changed after `act`."
    before, start = picture(page, number), time.monotonic()
    act()
    page.wait_for_function(
        "([n, src]) => { const i = document.querySelectorAll('.em-x .widget-image')[n]; return i.src !== "
        "src && i.complete && i.naturalWidth > 0 }",
        arg=[number, before],
        timeout=15_000,
    )
    return time.monotonic() - start


def slide(page, number, keys):
    "Move a slider with the keyboard."
    handle = page.locator(".em-x .noUi-handle").nth(number)
    handle.focus()
    for key in keys:
        handle.press(key)


def test_the_explorer_opens_without_an_error(page):
    assert page.locator(".em-x").get_by_text("Super-resolution").is_visible()
    assert (
        not page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']").count()
        and not page.get_by_text("Traceback").count()
    )


def test_the_network_s_image_appears_without_a_touch(page):
    page.locator(".em-x .em-ends span", has_text="network").wait_for(timeout=90_000)
    assert page.locator(".em-x td", has_text="network").first.is_visible()  # with its score


def test_sliders_and_boxes_change_the_pictures(page):
    took = {
        "frame": changes(page, 0, lambda: slide(page, 0, ["ArrowRight"])),
        "registration": changes(page, 0, lambda: page.get_by_text("difference to reference", exact=True).click()),
        "wipe": changes(page, 1, lambda: slide(page, 1, ["ArrowRight", "ArrowRight"])),
        "zoom box": changes(page, 2, lambda: slide(page, 2, ["PageUp"])),
        "scene": changes(page, 1, lambda: page.locator(".em-x button[title='next scene']").click()),
    }
    print(
        "explorer, seconds from hand to picture: "
        + ", ".join(f"{name} {seconds:.2f}" for name, seconds in took.items())
    )


def test_nothing_failed_in_the_browser(page):
    assert not page.faults, page.faults


@pytest.fixture(scope="module")
def voila(tmp_path_factory, data):
    "The address of a voila that serves the explorer with the project's voila.json."
    home = tmp_path_factory.mktemp("voila")
    write_explorer(home / "work", data)
    shutil.copy(ROOT / "voila.json", home / "work")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def address():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return None
        return f"http://127.0.0.1:{port}/"

    with served(
        home,
        ["voila", "explore.ipynb", "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"],
        address,
        cwd=home / "work",
    ) as found:
        yield found


def test_voila_forbids_requests_to_the_outside(voila):
    with urllib.request.urlopen(voila, timeout=120) as answer:
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_voila_shows_the_explorer_and_asks_nobody_outside(browser, voila):
    page, outside, faults = browser.new_page(viewport={"width": 1440, "height": 1000}), [], []
    page.route(
        lambda url: url.startswith("http") and not url.startswith(voila),
        lambda route: (outside.append(route.request.url), route.abort()),
    )
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.goto(voila, timeout=120_000)
    page.locator(".em-x .widget-image").first.wait_for(timeout=120_000)
    changes(page, 1, lambda: slide(page, 1, ["ArrowRight", "ArrowRight"]))
    icon = page.locator(".em-x button[title='next scene'] i").first
    assert "Font Awesome" in icon.evaluate(
        "e => getComputedStyle(e, '::before').fontFamily"
    )  # the icons are voila's own
    assert page.evaluate("document.fonts.check('900 14px \"Font Awesome 5 Free\"')")
    assert not outside and not faults, (outside, faults)
