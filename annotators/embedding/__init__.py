"""Kind ``embedding``: pictures as vectors."""
