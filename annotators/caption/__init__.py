"""Writers of sentences about a picture: the ``caption`` layer."""
