"""The knowledge base that comes with rtig, read and compiled once for all tests that only look at it."""

from functools import cache
from pathlib import Path

from rtig import knowledge
from rtig.core.playbook import Playbook
from rtig.knowledge.base import KnowledgeBase

FOLDER = Path(__file__).parents[2] / "knowledge_base"


@cache
def base() -> KnowledgeBase:
    return knowledge.read(FOLDER)


@cache
def playbook() -> Playbook:
    return knowledge.compiled(base().source)
