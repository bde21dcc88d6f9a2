"""The knowledge base: a folder of text, read and compiled to a playbook, and the tools of those who write it."""

from rtig.knowledge.base import (
    KnowledgeBase,
    compile_folder,
    compiled,
    load,
    read,
    read_script,
    schemas,
    shipped,
)

__all__ = ["KnowledgeBase", "compile_folder", "compiled", "load", "read", "read_script", "schemas", "shipped"]
