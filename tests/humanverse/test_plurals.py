from humanverse.plurals import plural, word


def test_numbers_and_nouns_agree() -> None:
    assert [plural(n, "shard") for n in (0, 1, 2)] == ["0 shards", "1 shard", "2 shards"]
    assert [plural(n, "person", "people") for n in (1, 1200)] == ["1 person", "1200 people"]


def test_verbs_agree() -> None:
    assert [word(n, "has", "have") for n in (0, 1, 2)] == ["have", "has", "have"]
