"""English words for people, and for how many there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from humanverse.errors import UserError

CROWD = 3
"""People whose number nobody knows, as in a crowd, are at least so many."""
UNCOUNTED = 100
"""From this number on it stands for a crowd: nobody has counted them."""
YEARS = range(1800, 2100)
"""Numbers that are years."""


@dataclass(frozen=True)
class People:
    """A number of people, or a least number."""

    number: int
    at_least: bool = False

    def __str__(self) -> str:
        noun = "person" if self.number == 1 else "people"
        return f"{'at least' if self.at_least else 'exactly'} {self.number} {noun}"

    def __add__(self, other: People) -> People:
        return People(self.number + other.number, self.at_least or other.at_least)

    def admits(self, count: int) -> bool:
        """Whether ``count`` people are what is asked for."""
        return count >= self.number if self.at_least else count == self.number

    @classmethod
    def parse(cls, text: str) -> Self:
        """``2``, or ``3+`` for at least three.

        Raises:
            UserError: for anything else, and for nobody.
        """
        found = re.fullmatch(r"(\d{1,3})(\+?)", text.strip())
        if found is None or not int(found[1]):
            raise UserError(f"{text!r} is no number of people: write 2, or 3+ for at least three")
        return cls(int(found[1]), bool(found[2]))


def _words(text: str) -> list[str]:
    return text.split()


ONE = People(1)
SOME = People(2, at_least=True)
MANY = People(CROWD, at_least=True)

DEFINITE = frozenset(_words("the this that"))
"""Articles of somebody who may have been spoken of before."""
BELOW_TWENTY = _words(
    """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
    """
)
TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
NUMBERS: dict[str, People] = {
    **dict.fromkeys(("a", "an", "another", "his", "her", "their", "my", "our", *DEFINITE), ONE),
    **{word: People(number) for number, word in enumerate(BELOW_TWENTY, 1)},
    **{
        f"{ten}{end}": People(number + more)
        for number, ten in zip(range(20, 100, 10), TENS, strict=True)
        for more, end in enumerate(("", *(f"-{one}" for one in BELOW_TWENTY[:9])))
    },
    **dict.fromkeys(("no", "zero"), People(0)),
    **dict.fromkeys(("both", "twin"), People(2)),
    "dozen": People(12),
    **dict.fromkeys(("few", "some"), SOME),
    **dict.fromkeys(_words("several many various numerous dozens hundreds thousands lots"), MANY),
}
"""Words that say of how many the next noun is."""
GROUPS: dict[str, People] = {
    **dict.fromkeys(_words("couple duo pair newlyweds twins"), People(2)),
    **dict.fromkeys(_words("trio threesome triplets"), People(3)),
    **dict.fromkeys(_words("quartet foursome"), People(4)),
    "family": SOME,
    **dict.fromkeys(_words("crowd group audience choir orchestra bunch"), MANY),
}
"""Nouns for several people. With "of" behind them they say of how many the next noun is."""
PICTURED = frozenset(
    _words("photo photos photograph photographs picture pictures portrait portraits shot selfie image")
)
"""Behind a noun for several people: how many they are is told by other words, if any ("a group photo of 12 students")."""

_REGULAR = _words(
    """
    actor actress adult artist astronaut athlete ballerina barista bartender batter biker blacksmith bodybuilder
    boxer boy boyfriend bride bridesmaid brother builder bystander carpenter catcher celebrity cheerleader chef
    clerk climber clown coach commuter cook cousin cowboy customer cyclist dad dancer daughter dentist doctor driver
    drummer electrician employee engineer farmer father female fighter firefighter friend gardener girl girlfriend
    goalkeeper golfer grandfather grandma grandmother grandpa grandparent groom guest guitarist guy gymnast
    hairdresser hiker hipster human hunter husband infant janitor jogger judge juggler kid king knight lawyer
    librarian lover mechanic model mom monk mother mum musician neighbor neighbour nun nurse officer onlooker
    painter parent passenger pedestrian performer person photographer pianist pilot pirate pitcher player plumber
    politician potter president priest prince protester punk pupil queen rapper referee rider runner sailor
    scientist shepherd shopper sibling singer sister skateboarder skater skier snowboarder soldier son stranger
    student surfer surgeon swimmer teacher teammate teen teenager toddler tourist traveler traveller umpire
    violinist visitor waiter walker warrior wizard worker wrestler youngster
    """
)
_IRREGULAR = {
    "person": "people",
    "child": "children",
    "baby": "babies",
    "lady": "ladies",
    "wife": "wives",
    "princess": "princesses",
} | {
    f"{of}{one}": f"{of}{several}"
    for one, several in (("man", "men"), ("woman", "women"))
    for of in ("", "business", "police", "fire", "sports", "fisher", "crafts", "service", "camera", "gentle")
}
SINGULAR = frozenset([*_REGULAR, *_IRREGULAR, "somebody", "someone", "waitress"])
"""Nouns for one person."""
PLURAL = frozenset([*(f"{noun}s" for noun in _REGULAR), *_IRREGULAR.values(), "waitresses", "actresses", "folks"])
"""Nouns for several."""
ANNOUNCING = frozenset(_words("people persons humans adults friends"))
"""Those of them that say nothing of who they are, so that another sentence may."""
ANYBODY = frozenset(_words("person people man men woman women guy guys lady ladies girl girls boy boys child children"))
"""Those by which somebody is spoken of again who was called something else before."""
NOBODY = frozenset(_words("nobody unoccupied unpeopled deserted"))
PRONOUNS = frozenset(_words("he she himself herself"))
"""For one person, where no noun tells of anybody."""

ENDS = frozenset(
    _words(
        """
    and or but with without of in on at by to from for near behind beside under over between into onto while who which as
    is are was were wearing holding , ; : ( )
    """
    )
)
"""No number counts beyond one of these."""
SAME = frozenset(_words("as is was are were like"))
"""Before an article: what follows tells of somebody who was named already ("a woman dressed as a nurse")."""
REACH = 4
"""Words that may stand between a number and its noun."""
