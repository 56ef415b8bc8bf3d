"""Says for which expressions and texts PCRE2 without its compiler takes more than linear time, and which expressions
Hyperscan refuses.

usage: linear.py EXPRESSIONS TEXTS

The files are those of Linear.java. Prints a line for each fault.
"""

import ctypes
import ctypes.util
import sys
import time

import hyperscan

# Every text has the short lengths, and the slowest text of each expression the long ones.
SHORT = [1 << 15, 1 << 16, 1 << 17]
LONG = [1 << 18, 1 << 19, 1 << 20]
GROWTH, NOISE, LONGEST = 2.5, 0.01, 3
# How often times are taken again that say too much.
ROUNDS = 5
UTF = 0x00080000
NO_UTF_CHECK = 0x40000000
NO_MATCH = -1

pcre2 = ctypes.CDLL(ctypes.util.find_library("pcre2-8") or "libpcre2-8.so.0")
for function, result, arguments in (
    ("pcre2_compile_8", ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]),
    ("pcre2_match_data_create_from_pattern_8", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_void_p]),
    ("pcre2_match_8", ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p]),
):
    getattr(pcre2, function).restype = result
    getattr(pcre2, function).argtypes = arguments


class Expression:
    def __init__(self, text):
        error, place = ctypes.c_int(), ctypes.c_size_t()
        encoded = text.encode()
        self.code = pcre2.pcre2_compile_8(encoded, len(encoded), UTF, ctypes.byref(error), ctypes.byref(place), None)
        if not self.code:
            raise ValueError(f"error {error.value} at {place.value}")
        self.room = pcre2.pcre2_match_data_create_from_pattern_8(self.code, None)

    def time(self, text, runs):
        """The shortest of some runs, in seconds of processor time. A limit of the library is a fault."""
        best = float("inf")
        for _ in range(runs):
            start = time.thread_time()
            found = pcre2.pcre2_match_8(self.code, text, len(text), 0, NO_UTF_CHECK, self.room, None)
            best = min(best, time.thread_time() - start)
            if found < NO_MATCH:
                raise OverflowError(f"PCRE2's error {found}")
        return best


def plain(text):
    return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\\\\", "\\").encode()


def cuts_of(line, sizes):
    """The text of a line in some lengths. A cut in the middle of a character loses it."""
    begin, part, end = map(plain, line.split("\t"))
    whole = begin + part * (max(sizes) // len(part) + 1)
    return [whole[:size].decode(errors="ignore").encode() + end for size in sizes]


def fault_of(expression, cuts):
    """What is wrong with the times for texts, each of which is twice as long as the one before, and the last time."""
    try:
        before = expression.time(cuts[0], 1)
        for at in range(1, len(cuts)):
            after = expression.time(cuts[at], 1)
            # Measured again in turn, with more patience, before anything is said: the machine does other things too.
            for _ in range(ROUNDS):
                if not (before > NOISE and GROWTH * before < after < LONGEST / 3):
                    break
                before = max(before, expression.time(cuts[at - 1], 5))
                after = min(after, expression.time(cuts[at], 5))
            if (before > NOISE and after > GROWTH * before) or after > LONGEST:
                return f"PCRE2: {len(cuts[at])} bytes {after:.3f} s, half of them {before:.3f} s", after
            before = after
    except OverflowError as error:
        return str(error), 0
    return None, after


def refused_by_hyperscan(expression):
    database = hyperscan.Database()
    try:
        database.compile(expressions=[expression.encode()], ids=[0], elements=1, flags=0)
    except hyperscan.error as error:
        return f"Hyperscan: {error}"
    return None


def main():
    expressions, texts = (open(path, encoding="utf-8", newline="\n").read().split("\n")[:-1] for path in sys.argv[1:3])
    for expression in expressions:
        # It captures nothing; who captures must use another engine.
        if "(?<" not in expression and (refused := refused_by_hyperscan(expression)):
            print(f"{refused}\t{expression}\t")
    compiled = [Expression(expression) for expression in expressions]
    told = {}
    slowest = [(0, texts[0])] * len(compiled)
    for line in texts:
        cuts = cuts_of(line, SHORT)
        for at, expression in enumerate(compiled):
            if at in told:
                continue
            fault, took = fault_of(expression, cuts)
            slowest[at] = max(slowest[at], (took, line))
            if fault:
                told[at] = f"{fault}\t{expressions[at]}\t{line}"
    for at, (_, line) in enumerate(slowest):
        if at not in told and (fault := fault_of(compiled[at], cuts_of(line, LONG))[0]):
            told[at] = f"{fault}\t{expressions[at]}\t{line}"
    for fault in told.values():
        print(fault)
    print(f"looked at {len(expressions)} expressions and {len(texts)} texts")


main()
