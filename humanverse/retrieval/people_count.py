"""How many people an English text tells of: by tables of words, without a model.

A number or an article counts for the noun that follows it ("two young women"); the nouns of a text are added up ("a man and a
child"). Whom a sentence announces as people and others enumerate is counted once ("Two people in a room. A man sits. A woman
stands."), and so is who is spoken of again ("A man. The man smiles."). Of "one of the men" one is counted, of "without a child"
nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from humanverse.retrieval.person_words import (
    ANNOUNCING,
    ANYBODY,
    BELOW_TWENTY,
    DEFINITE,
    ENDS,
    GROUPS,
    MANY,
    NOBODY,
    NUMBERS,
    ONE,
    PICTURED,
    PLURAL,
    PRONOUNS,
    REACH,
    SAME,
    SINGULAR,
    SOME,
    TENS,
    UNCOUNTED,
    YEARS,
    People,
)

_SENTENCE_END = re.compile(r"[.!?\n]+(?:\s+|$)")
_WORD = re.compile(r"\w+(?:['-]\w+)*|[,;:()]")
_ONES, _TENS = "|".join(BELOW_TWENTY), "|".join(TENS)
_NUMERAL = rf"(?:(?:{_TENS})(?:-(?:{_ONES}))?|{_ONES}|\d+)"
_POWERS = "(?:hundred|thousand|million)"
_REWRITTEN = (
    (re.compile(r"\bno[ -]one\b"), "nobody"),
    (re.compile(r"\bhalf a dozen\b"), "six"),
    (re.compile(r"\b(\d)(girl|boy)"), r"\1 \2"),
    (re.compile(rf"\b({_TENS}) ({'|'.join(BELOW_TWENTY[:9])})\b"), r"\1-\2"),
    (re.compile(rf"\b(?!one )(?:{_NUMERAL}|few|several|couple(?: of)?) dozen\b"), "dozens"),
    (re.compile(rf"\b(?:(?:a|{_NUMERAL})[ -])*{_POWERS}(?:(?: and)? (?:{_NUMERAL}|{_POWERS}))*\b(?!-)"), "hundreds"),
    (re.compile(r"\b\d{1,3}(?:,\d{3})+\b"), "thousands"),
)
"""What is read as other words."""


@dataclass
class _Count:
    """What was counted while reading a text: the sum of its sentences, the largest announcement, whom a "group photo" shows."""

    total: People | None = None
    announced: People | None = None
    pictured: People | None = None
    _nouns: set[str] = field(default_factory=set)
    _sentence: list[People] = field(default_factory=list)
    _announces: bool = False

    @property
    def anybody(self) -> bool:
        """Whether somebody was named so far."""
        return bool(self._nouns)

    def knows(self, noun: str) -> bool:
        """Whether "the" with a noun speaks of somebody who was named before."""
        earlier = self.total is not None or self.announced is not None
        return noun in self._nouns or (noun in ANYBODY and earlier)

    def add(self, found: People, noun: str) -> None:
        self._sentence.append(found)
        if found.number:
            self._nouns.add(noun)
        self._announces |= noun in ANNOUNCING and found.number > 1

    def end_sentence(self) -> None:
        if not self._sentence:
            return
        found = sum(self._sentence[1:], self._sentence[0])
        if self._announces:
            self.announced = _larger(self.announced, found)
        else:
            self.total = found if self.total is None else self.total + found
        self._sentence, self._announces = [], False


def _larger(one: People | None, other: People | None) -> People | None:
    there = [found for found in (one, other) if found]
    return max(there, key=lambda found: (found.number, found.at_least), default=None)


def people_in(text: str) -> People | None:
    """How many people ``text`` tells of; None if it does not tell."""
    count = _Count()
    plain = text.lower().replace("’", "'")
    for pattern, words_for_it in _REWRITTEN:
        plain = pattern.sub(words_for_it, plain)
    for sentence in _SENTENCE_END.split(plain):
        _read(_WORD.findall(sentence), count)
        count.end_sentence()
    found = _larger(count.announced, count.total) or count.pictured
    if found is not None:
        return found
    words = set(_WORD.findall(plain))
    return People(0) if words & NOBODY else ONE if words & PRONOUNS else None


def _read(words: Sequence[str], count: _Count) -> None:
    """Add the people of one sentence to ``count``."""
    how_many: People | None = None
    article, since, is_part = "", 0, False
    absent = _absent(words)
    for place, word in enumerate(words):
        since += 1
        previous = words[place - 1] if place else ""
        following = words[place + 1] if place + 1 < len(words) else ""
        number = _number(word, following)
        if word in GROUPS and following == "of":
            how_many, article, since, is_part = GROUPS[word], word, 0, False
        elif number is not None:
            is_part = is_part or (previous == "of" and since == 2 and how_many is not None and article not in GROUPS)
            since = 0
            if count.anybody and previous in SAME:
                article = "same"
            elif word in DEFINITE or not is_part:
                article = word
            how_many = how_many if is_part else number
        elif _is_person(word) or word in GROUPS:
            if _is_person(following):
                continue
            if word in GROUPS and following in PICTURED:
                count.pictured = GROUPS[word]
                continue
            known = article == "same" or (article in DEFINITE and count.knows(word))
            if not known and place not in absent:
                said = how_many if since <= REACH else None
                count.add(said if said and is_part else _said(word, said), word)
            how_many, article, is_part = None, "", False
        elif word in ENDS and not (word == "of" and since == 1):
            how_many, article, is_part = None, "", False


def _absent(words: Sequence[str]) -> set[int]:
    """Places of words that tell what is not there: after "without"."""
    found: set[int] = set()
    left = 0
    for place, word in enumerate(words):
        goes_on = word == "or" and left > 0
        left = REACH if word == "without" or goes_on else 0 if word in ENDS else left - 1
        if left >= 0 and word not in ENDS:
            found.add(place)
    return found


def _number(word: str, following: str) -> People | None:
    """The number that ``word`` is; None if it is none, one of years, or a year."""
    if following.startswith("year"):
        return None
    if not word.isdecimal():
        return NUMBERS.get(word)
    number = int(word)
    return None if number in YEARS else People(number) if number < UNCOUNTED else MANY


def _is_person(word: str) -> bool:
    return word in SINGULAR or word in PLURAL


def _said(noun: str, how_many: People | None) -> People:
    """How many people a noun stands for, with the number before it."""
    if noun in GROUPS:
        return GROUPS[noun]
    if noun in SINGULAR:
        return ONE if how_many is None or how_many.number else how_many
    return SOME if how_many is None or how_many == ONE else how_many
