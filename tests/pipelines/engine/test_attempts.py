"""What was begun and did not end is counted."""

from __future__ import annotations

import pickle

from pipelines.engine.attempts import Notes, NotNoted


def test_beginnings_that_did_not_end_are_counted() -> None:
    notes = Notes()
    assert [notes.begin((3, 0)) for _ in range(3)] == [0, 1, 2]
    assert notes.begin((3, 64)) == 0
    notes.end((3, 0))
    assert (notes.begin((3, 0)), notes.begin((3, 64))) == (0, 1)


def test_what_never_began_may_end() -> None:
    notes = Notes()
    notes.end((1, 2, "pose"))
    assert notes.begin((1, 2, "pose")) == 0


def test_one_process_notes_nothing() -> None:
    attempts = pickle.loads(pickle.dumps(NotNoted()))
    attempts.begin((1,))
    assert attempts.begin((1,)) == 0
