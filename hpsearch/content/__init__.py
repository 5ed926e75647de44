"""Content of values: what code does and what data hold, as digests that addresses, hash order and formatting do not change."""

from hpsearch.content.digest import Content, read_content
from hpsearch.content.origin import is_ours, is_own_file
from hpsearch.content.text import is_whole, stable_repr

__all__ = ["Content", "is_ours", "is_own_file", "is_whole", "read_content", "stable_repr"]
