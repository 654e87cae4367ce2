"""Processor state in extensible areas: XSAVE XSAVEOPT XSAVEC XRSTOR, and XCR0, which says what of it there is."""
from x86.isa.table import instruction

XGETBV = instruction("xgetbv", summary="EDX:EAX becomes the extended control register that ECX numbers.")
XGETBV.form("NP 0F 01 D0", cpuid="XSAVE")

XSETBV = instruction("xsetbv", summary="Write EDX:EAX to the extended control register that ECX numbers.")
XSETBV.form("NP 0F 01 D1", cpuid="XSAVE")

for _name, _encoding, _handler, _feature, _summary in (
        ("xsave", "0F AE /4", "save", "XSAVE", "Store the components of the state that EDX:EAX names."),
        ("xsaveopt", "0F AE /6", "save", "XSAVEOPT", "XSAVE, but for components in their initial state."),
        ("xsavec", "0F C7 /4", "save", "XSAVEC", "XSAVEOPT in the compacted format."),
        ("xrstor", "0F AE /5", "restore", "XSAVE", "Load the components of the state that EDX:EAX names.")):
    _constants = {"xsave": (0, 0), "xsaveopt": (1, 0), "xsavec": (1, 1)}.get(_name, ())
    instruction(_name, summary=_summary).form(f"NP {_encoding}", "m", size="y", slow=True, names={64: f"{_name}64"},
                                              handler=_handler, constants=_constants, cpuid=_feature)
