"""Who downloads the pictures of a build: the gate itself, or img2dataset before it. ``engines.py`` has the table."""
