"""How many people a text tells of."""

from __future__ import annotations

import pytest

from humanverse.errors import UserError
from humanverse.retrieval.people_count import people_in
from humanverse.retrieval.person_words import People

EXACTLY = {
    "a woman dancing": 1,
    "two women": 2,
    "a couple": 2,
    "an elderly couple on a bench": 2,
    "three people": 3,
    "a man and a child": 2,
    "Portrait of a young man": 1,
    "man walking a dog": 1,
    "girl and boy": 2,
    "a couple of friends": 2,
    "a pair of young dancers": 2,
    "a group of three women": 3,
    "3 little girls": 3,
    "the two old men": 2,
    "a woman with her two children": 3,
    "bride and groom": 2,
    "a dozen dancers": 12,
    "both men": 2,
    "A boxer’s portrait": None,
    "a group photo of 12 students": 12,
    "a family portrait of a man, a woman and two children": 4,
    "a couple selfie": 2,
    "two women, one in red and one in blue": 2,
    "two women friends": 2,
    "a woman dancer": 1,
    "a woman dressed as a nurse": 1,
    "this woman is a doctor": 1,
    "there is a man": 1,
    "a man holding a woman's hand": 1,
    "a 25 year old man": 1,
    "two-year-old girl": 1,
    "a woman with two dogs": 1,
    "two dogs and a man": 1,
    "someone jumping": 1,
    "she jumps": 1,
    "A photo of two people, one standing and one sitting.": 2,
    "A photo of one person, seen whole, standing.": 1,
    "Two people in a room. A young woman with short hair, standing. An old man, sitting.": 2,
    "Three people in a park. A man is sitting on a bench.": 3,
    "A woman in a red dress. A man in a suit.": 2,
    "A man is dancing. The man wears a hat.": 1,
    "A dancer leaps. The woman wears red.": 1,
    "the bride, the groom and the best man": 3,
    "half a dozen cyclists": 6,
    "a woman and her twin sister": 2,
    "twin sisters": 2,
    "1girl, solo": 1,
    "2boys": 2,
    "an empty street without anybody, nobody": 0,
    "no one": 0,
    "no people": 0,
    "a dog": None,
    "dancing in the rain": None,
    "men's 100 m race": None,
    "a group of dogs": None,
    "": None,
    "thirteen girls": 13,
    "twenty people": 20,
    "ninety-nine students": 99,
    "twenty one men": 21,
    "one dozen people": 12,
    "99 people": 99,
    "a hundred-year-old man": 1,
    "a hundred year old woman": 1,
    "a man in 1990 and a woman": 2,
    "a twenty-five year old woman": 1,
    "one of the men": 1,
    "one of the two men": 1,
    "a man and one of his children": 2,
    "Two men in a room. One of the men smiles.": 2,
    "two of the three women": 2,
    "a woman without a child": 1,
    "a woman without her husband or a child": 1,
    "a man without a shirt and a woman": 2,
    "a man without a hat watches a woman": 2,
}
AT_LEAST = {
    "a crowd": 3,
    "a crowd of people": 3,
    "several men": 3,
    "lots of people": 3,
    "a group of friends": 3,
    "women dancing": 2,
    "people on a beach": 2,
    "the men": 2,
    "a few kids": 2,
    "a family portrait": 2,
    "a group photo": 3,
    "a man in front of a crowd": 4,
    "some of the players": 2,
    "a group without children": 3,
    "a hundred people": 3,
    "one hundred and twenty people": 3,
    "two hundred twenty-five soldiers": 3,
    "a hundred thousand people in a square": 3,
    "several thousand protesters": 3,
    "two dozen students": 3,
    "a couple of dozen runners": 3,
    "100 people": 3,
    "1,000 people": 3,
    "5000 people": 3,
    "people in 1990": 2,
    "a hundred people and a dog": 3,
    "a hundred soldiers and a general and two nurses": 5,
}


@pytest.mark.parametrize(("text", "number"), EXACTLY.items())
def test_a_number_that_is_told(text: str, number: int | None) -> None:
    assert people_in(text) == (None if number is None else People(number))


@pytest.mark.parametrize(("text", "number"), AT_LEAST.items())
def test_a_number_that_is_open(text: str, number: int) -> None:
    assert people_in(text) == People(number, at_least=True)


def test_what_a_number_admits() -> None:
    assert [People(2).admits(count) for count in (1, 2, 3)] == [False, True, False]
    assert [People(2, at_least=True).admits(count) for count in (1, 2, 3)] == [False, True, True]
    assert [str(People.parse(text)) for text in ("1", "3+")] == ["exactly 1 person", "at least 3 people"]


@pytest.mark.parametrize("text", ["", "0", "two", "-1", "2.5", "+"])
def test_no_number_of_people(text: str) -> None:
    with pytest.raises(UserError, match="is no number of people: write 2"):
        People.parse(text)
