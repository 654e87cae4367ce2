"""The cases in which a guest may end otherwise than on Bochs."""

# (guest, case): how it ends here, and where a manual says so
DIFFERENT: dict[tuple[str, str], tuple[str, str]] = {
}

# (guest, case): what the core does not do yet. Such a case must differ, so that its entry goes when it no longer does.
AWAITED: dict[tuple[str, str], str] = {
    ("real_modes", "a read-only segment out of protected mode"): "the type of a segment in real mode",
}
