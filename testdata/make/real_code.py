# SPDX-License-Identifier: Apache-2.0
"""Signs a Mach-O program that a compiler made: the signature that its linker left goes, ours comes.

Thin files of 64 bits alone. The signature is written by `signed_code`, which knows nothing of this.
"""
import struct

import apple_identity as apple
import signed_code

SEGMENT, SIGNATURE, PAGE = 0x19, 0x1D, 16384
HASHES = 33  # bytes of a signature for each page of 4096: one SHA-256, and a little


class RealCode(signed_code.Code):
    """A program's own bytes where `Code` makes some up."""

    def __init__(self, identity, program, identifier, stamp_time):
        processor = struct.unpack_from("<2I", program, 4)
        super().__init__(identity, processor, kinds=("sha256",))
        self.identifier, self.special = identifier, {2: signed_code.REQUIREMENTS}
        self.stamp = apple.token(identity, stamp_time)
        self.signature_room = 16384 + HASHES * (len(program) // 4096 + 1)
        self.signature_room += -self.signature_room % 16
        self.program = program

    def image(self, signature_at=None):
        magic, _, _, kind, count, size, flags, reserved = struct.unpack_from("<8I", self.program)
        assert magic == 0xFEEDFACF, "not a thin Mach-O file of 64 bits"
        at, commands, end = 32, [], len(self.program)
        for _ in range(count):
            number, length = struct.unpack_from("<2I", self.program, at)
            if number == SIGNATURE:
                end = struct.unpack_from("<I", self.program, at + 8)[0]
            else:
                commands.append(bytearray(self.program[at : at + length]))
            at += length
        first = min(offset for offset in map(self.first_section, commands) if offset)
        code = self.program[at:end]
        code += bytes(-(at + len(code)) % 16)
        place = at + len(code)
        for command in commands:
            if command[:4] == struct.pack("<I", SEGMENT) and command[8:24].rstrip(b"\0") == b"__LINKEDIT":
                start = struct.unpack_from("<Q", command, 40)[0]
                stored = place + self.signature_room - start
                struct.pack_into("<Q", command, 32, stored + -stored % PAGE)
                struct.pack_into("<Q", command, 48, stored)
        commands.append(struct.pack("<4I", SIGNATURE, 16, place, self.signature_room))
        joined = b"".join(commands)
        assert 32 + len(joined) <= first, "no room for one load command more"
        head = struct.pack("<8I", magic, *self.processor, kind, len(commands), len(joined), flags, reserved)
        head = (head + joined).ljust(max(at, 32 + len(joined)), b"\0")
        return head + code[len(head) - at :]

    @staticmethod
    def first_section(command):
        """Where the first bytes of a segment's sections lie in the file; none where it has none."""
        number, = struct.unpack_from("<I", command)
        if number != SEGMENT:
            return 0
        sections = struct.unpack_from("<I", command, 64)[0]
        offsets = [struct.unpack_from("<I", command, 72 + 80 * one + 48)[0] for one in range(sections)]
        return min((offset for offset in offsets if offset), default=0)
