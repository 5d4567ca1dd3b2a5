"""The rules, one module for each group; a rule is a generator of the descriptions of its violations."""

from collections.abc import Callable, Iterator

from proof.checker.model import History
from proof.checker.rules.feed import causal_order, feed_complete, feed_readers, versions
from proof.checker.rules.final_state import acknowledged, requested
from proof.checker.rules.free_vehicles import none_available
from proof.checker.rules.integrity import check_passes, faults_recover
from proof.checker.rules.keys import executed_once, one_key_one_result
from proof.checker.rules.overlaps import confirmed_overlap, held_overlap
from proof.checker.rules.reads import availability, lists
from proof.checker.rules.refusals import answers, busy, refusals
from proof.checker.rules.replay import strict_replay
from proof.checker.timelines import Timelines

Rule = Callable[[History, Timelines], Iterator[str]]

RULES: tuple[Rule, ...] = (
    *(confirmed_overlap, held_overlap, acknowledged, requested, one_key_one_result, executed_once),
    *(refusals, none_available, answers, busy, availability, lists),
    *(feed_complete, causal_order, feed_readers, versions, strict_replay, check_passes, faults_recover),
)
