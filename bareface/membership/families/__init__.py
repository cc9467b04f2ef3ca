"""What whole families of attacks share: sets of photos, all numbers of one image, signals beside reference models."""
