"""Where the files are that come with rtig: beside the package in a checkout, inside it in an installed wheel."""

from pathlib import Path


def knowledge_base() -> Path:
    return _folder("knowledge_base", "kb.yaml")


def model(name: str) -> Path:
    """A file of the folder `models`; it need not be there."""
    return _folder("models", "README.md") / name


def _folder(name: str, holds: str) -> Path:
    package = Path(__file__).parent
    beside = package.parent / name
    return beside if (beside / holds).is_file() else package / name
