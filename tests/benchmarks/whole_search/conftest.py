"""The programs beside it are run, never collected."""

collect_ignore_glob = ["with_*.py"]
