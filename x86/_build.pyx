"""How this build of the core was made: by which compiler, and which of the two dispatches it has (_dispatch.h)."""
from x86._state cimport THREADED

cdef extern from *:
    """
    #ifdef __OPTIMIZE__
    #define X86_OPTIMIZED 1
    #else
    #define X86_OPTIMIZED 0
    #endif
    #ifdef __clang__
    #define X86_COMPILER __VERSION__
    #else
    #define X86_COMPILER "gcc " __VERSION__
    #endif
    #ifdef __SANITIZE_ADDRESS__
    #define X86_SANITIZED 1
    #else
    #define X86_SANITIZED 0
    #endif
    """
    const char* X86_COMPILER
    enum: X86_OPTIMIZED, X86_SANITIZED

COMPILER = X86_COMPILER.decode()        # "gcc 12.2.0"
TAIL_CALLS = bool(THREADED)             # handlers jump to each other; else a loop calls them, and bounds are checked
OPTIMIZED = bool(X86_OPTIMIZED)
SANITIZED = bool(X86_SANITIZED)         # under the address and undefined-behaviour sanitizers
