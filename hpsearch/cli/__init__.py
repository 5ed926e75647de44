"""The command line."""

from hpsearch.cli.application import app, main, typer_app

__all__ = ["app", "main", "typer_app"]
