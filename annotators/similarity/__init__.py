"""Kind ``similarity``: how well a picture and a text about it go together."""
