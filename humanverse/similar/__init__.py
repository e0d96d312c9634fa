"""Which pictures are alike: search among perceptual hashes, and the choice of one picture of each group."""
