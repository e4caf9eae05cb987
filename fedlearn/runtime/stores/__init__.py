"""Stores for messages: in memory, and in a folder that several machines may share."""

from fedlearn.runtime.stores.directory import DirectoryStore
from fedlearn.runtime.stores.memory import MemoryStore
from fedlearn.runtime.stores.paging import all_keys

__all__ = ["DirectoryStore", "MemoryStore", "all_keys"]
