"""The stages of a build, one file each: gate, annotate, commit."""
