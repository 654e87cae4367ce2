"""What exists: rows of plain data in the manual's notation, one file a family. table.py explains the notation."""
import importlib

FAMILIES = ("arithmetic", "logic", "shift", "multiply", "bits", "move", "convert", "stack", "string", "flags", "conditional",
            "branch", "exchange", "bmi", "random", "fused", "segment", "descriptor", "far", "interrupt",
            "system", "control", "msr", "syscall", "cpuid", "port", "fpustate", "xsave", "x87_move", "x87_arithmetic",
            "x87_compare", "x87_convert", "x87_transcendental", "vector_arithmetic", "vector_multiply", "vector_sum",
            "vector_logic", "vector_compare", "vector_shift", "vector_pack", "vector_blend", "vector_shuffle", "vector_string",
            "vector_move", "vector_scalar", "vector_half", "vector_broadcast", "vector_insert", "vector_masked",
            "float_arithmetic", "float_compare", "float_convert", "float_fma", "float_approximate", "crypto")


def load():
    """Import every family, so that table.FORMS and table.ROWS are complete. The order is fixed: it numbers the forms."""
    for family in FAMILIES:
        importlib.import_module(f"x86.isa.{family}")
