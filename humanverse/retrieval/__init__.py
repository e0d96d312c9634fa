"""Text to pose: skeletons of a dataset's people, found by what is said of their pictures."""

from humanverse.retrieval.embedder import Embedder
from humanverse.retrieval.find import find_poses
from humanverse.retrieval.found import FoundPose
from humanverse.retrieval.frame import adapt
from humanverse.retrieval.people_count import people_in
from humanverse.retrieval.person_words import People

__all__ = ["Embedder", "FoundPose", "People", "adapt", "find_poses", "people_in"]
