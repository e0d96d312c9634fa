"""The jobs, one file each, their stages and engines, and the command line."""
