"""Installs EnhanceMe; names, versions and requirements stand in settings.ini."""

from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

here = Path(__file__).parent
parser = ConfigParser(delimiters=["="])
parser.read(here / "settings.ini", encoding="utf-8")
cfg = parser["DEFAULT"]

# Data that ships inside the package but lies elsewhere in the checkout; core.package_folder finds it in both places.
DATA = {"profiles": "profiles", "experiments": "nbs/experiments"}
EXTRAS = ("train", "study", "explore", "geo", "gpu", "dev")
WITH = {
    "study": ["train"],
    "explore": ["train"],
    "gpu": ["train"],
    "dev": ["train", "study", "explore", "geo"],
}  # what else an extra installs


def lines(key):
    "The lines of a multi-line setting."
    return [line.strip() for line in cfg.get(key, "").splitlines() if line.strip()]


def requirements(*extras):
    "What some extras require, each once."
    return list(dict.fromkeys(line for extra in extras for line in lines(f"{extra}_requirements")))


package = cfg["lib_path"]
setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=cfg["author"],
    license="Apache-2.0",
    keywords=cfg["keywords"],
    packages=[package, *(f"{package}.{name}" for name in DATA)],
    package_dir={f"{package}.{name}": folder for name, folder in DATA.items()},
    package_data={
        package: cfg["package_data"].split(),
        f"{package}.profiles": ["*.yaml", "*.txt"],
        f"{package}.experiments": ["*.ipynb"],
    },
    python_requires=f">={cfg['min_python']},<{cfg['max_python']}",
    install_requires=lines("requirements"),
    extras_require={extra: requirements(extra, *WITH.get(extra, ())) for extra in EXTRAS},
    entry_points={"console_scripts": lines("console_scripts"), "nbdev": [f"{cfg['lib_name']}={package}._modidx:d"]},
)
