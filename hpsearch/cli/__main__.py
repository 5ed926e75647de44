"""The command line as ``python -m hpsearch.cli``."""

from hpsearch.cli.application import app

if __name__ == "__main__":
    app()
