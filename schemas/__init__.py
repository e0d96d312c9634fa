"""What a row is: Arrow schemas of every file, the skeletons, and the recipe's typed settings.

Nothing here imports torch, ray or any of the other three packages.
"""
