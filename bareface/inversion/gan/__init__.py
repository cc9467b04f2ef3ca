"""Training a StyleGAN2 of one's own on public or synthetic faces, small enough for a CPU."""
