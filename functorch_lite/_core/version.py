"""The version of functorch_lite: said once, in ``pyproject.toml``.  Floor 0."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Return the version of the installed package; "0+source" for a checkout that is not
    installed."""
    try:
        return version("functorch_lite")
    except PackageNotFoundError:
        return "0+source"


__version__ = installed_version()
