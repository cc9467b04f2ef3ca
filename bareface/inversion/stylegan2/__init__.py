"""StyleGAN2 in plain PyTorch: no compiler, any device, fp32, fp64 and bf16."""
