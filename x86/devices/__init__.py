"""The chips of the board, one a file."""


def build(machine):
    """Create every device of the board into machine.devices."""
    return machine.devices
