"""Where a backbone computes: the CPU, or an accelerator that torch sees on this machine."""

import torch

from bareface.errors import UsageError

CPU = torch.device("cpu")


def device_of(name: str) -> torch.device:
    """The device of that name, as in `cpu`, `cuda` or `cuda:1`.

    Raises:
        UsageError: this machine has none of that name, or this build of torch does not know it.
    """
    there = devices()
    if name not in there:
        raise UsageError(
            "device",
            got=repr(name),
            expected=f"one that torch {torch.__version__} sees here: {', '.join(there)}",
            hint="a torch build for your accelerator" if len(there) == 1 else "",
        )
    return torch.device(name)


def devices() -> tuple[str, ...]:
    """The names of the devices that there are."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is None:
        return (CPU.type,)
    numbered = (f"{accelerator.type}:{number}" for number in range(torch.accelerator.device_count()))
    return (CPU.type, accelerator.type, *numbered)
