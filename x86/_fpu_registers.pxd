# The registers of x87, MMX, SSE and AVX as Python sees them: by name, and all at once.
from x86._state cimport *

cdef bint is_fpu_register(str name)
cdef object read_fpu_register(Cpu* cpu, str name)
cdef write_fpu_register(Cpu* cpu, str name, object value)       # ValueError for what does not fit

cdef bytes fxsave_area(Cpu* cpu)
cdef load_fxsave_area(Cpu* cpu, bytes area)
