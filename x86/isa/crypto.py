"""AESENC AESENCLAST AESDEC AESDECLAST AESIMC AESKEYGENASSIST, PCLMULQDQ, SHA1RNDS4 SHA1NEXTE SHA1MSG1 SHA1MSG2 SHA256RNDS2
SHA256MSG1 SHA256MSG2, GF2P8MULB GF2P8AFFINEQB GF2P8AFFINEINVQB. All work on 128 bits, or twice on 128."""
from x86.isa.vector import packed

for _name, _opcode, _constant, _what in (("aesenc", "DC", "AES_ENC", "One round of AES."),
                                         ("aesenclast", "DD", "AES_ENC_LAST", "The last round of AES."),
                                         ("aesdec", "DE", "AES_DEC", "One round of AES backwards."),
                                         ("aesdeclast", "DF", "AES_DEC_LAST", "The last round of AES backwards.")):
    packed(_name, _opcode, _what, "crypto", (_constant, "CRYPTO_AES"), space="0F38", sse="AES", avx="AES AVX", avx256="VAES AVX")
packed("aesimc", "DB", "A round key for AES backwards.", "crypto", ("AES_IMC", "CRYPTO_AES"), space="0F38", sse="AES",
       avx="AES AVX", avx256="", sources=1)
packed("aeskeygenassist", "DF", "What the next round key of AES is made of.", "crypto", ("AES_KEYGEN", "CRYPTO_AES"),
       space="0F3A", sse="AES", avx="AES AVX", avx256="", sources=1, immediate="imm8u")
packed("pclmulqdq", "44", "Multiply polynomials over GF(2).", "crypto", ("CLMUL", "CRYPTO_CLMUL"), space="0F3A", sse="PCLMULQDQ",
       avx="PCLMULQDQ AVX", avx256="VPCLMULQDQ AVX", immediate="imm8u")

_SHA = {"prefix": "NP", "sse": "SHA", "avx": "", "avx256": ""}
packed("sha1rnds4", "CC", "Four rounds of SHA-1.", "crypto", ("SHA1_RNDS4", "CRYPTO_SHA"), space="0F3A",
       immediate="imm8u", **_SHA)
for _name, _opcode, _constant, _what in (("sha1nexte", "C8", "SHA1_NEXTE", "The next E of SHA-1, added to four words."),
                                         ("sha1msg1", "C9", "SHA1_MSG1", "Four words of SHA-1's schedule, first half."),
                                         ("sha1msg2", "CA", "SHA1_MSG2", "Four words of SHA-1's schedule, second half."),
                                         ("sha256rnds2", "CB", "SHA256_RNDS2", "Two rounds of SHA-256, with XMM0."),
                                         ("sha256msg1", "CC", "SHA256_MSG1", "Four words of SHA-256's schedule, first half."),
                                         ("sha256msg2", "CD", "SHA256_MSG2", "Four words of SHA-256's schedule, second half.")):
    packed(_name, _opcode, _what, "crypto", (_constant, "CRYPTO_SHA"), space="0F38", **_SHA)

_GFNI = {"sse": "GFNI", "avx": "GFNI AVX", "avx256": "GFNI AVX"}
packed("gf2p8mulb", "CF", "Multiply bytes in GF(2^8).", "crypto", ("GF_MUL", "CRYPTO_GFNI"), space="0F38", w="W0", **_GFNI)
packed("gf2p8affineqb", "CE", "Bytes times a matrix of bits.", "crypto", ("GF_AFFINE", "CRYPTO_GFNI"), space="0F3A", w="W1",
       immediate="imm8u", **_GFNI)
packed("gf2p8affineinvqb", "CF", "Inverses of bytes in GF(2^8) times a matrix of bits.", "crypto",
       ("GF_AFFINE_INVERSE", "CRYPTO_GFNI"), space="0F3A", w="W1", immediate="imm8u", **_GFNI)
