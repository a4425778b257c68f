// SPDX-License-Identifier: Apache-2.0
//! Gzip files (RFC 1952): one or more members, and nothing else.
//!
//! In: the file as a stream. Out: the plain bytes of all members, one after the other, as a stream that
//! ends only when the last member's checksum and length hold and no byte follows it.

use std::io::{self, BufRead, BufReader, Read};

use super::inflate::{Inflate, Sum};
use super::{Bound, Fault, Rule};
use crate::bytes::read_full;

/// A name, comment or extra field of a header: the extra field's own maximum.
pub const MAX_FIELD_BYTES: u64 = 65_535;
/// What is read ahead of the packed bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// The first bytes of every member.
pub const MAGIC: [u8; 2] = [0x1f, 0x8b];

const FLAG_HEADER_CRC: u8 = 0x02;
const FLAG_EXTRA: u8 = 0x04;
const FLAG_NAME: u8 = 0x08;
const FLAG_COMMENT: u8 = 0x10;
const FLAGS_RESERVED: u8 = 0xe0;

/// The plain bytes of a gzip file. They count only once a read has returned 0.
pub struct Reader<R> {
    from: BufReader<R>,
    bound: Bound,
    inflate: Inflate,
    sum: Sum,
    /// Bytes of the members before.
    before: u64,
    members: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a member, or at the end.
    Between,
    Inside,
    Ended,
}

impl<R: Read> Reader<R> {
    /// Nothing is read yet.
    pub fn new(from: R, bound: Bound) -> Self {
        Self {
            from: BufReader::with_capacity(BUFFER_BYTES, from),
            bound,
            inflate: Inflate::new(),
            sum: Sum::new(),
            before: 0,
            members: 0,
            state: State::Between,
        }
    }

    /// How many members were proven so far.
    pub const fn members(&self) -> u64 {
        self.members
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.from.fill_buf()?.is_empty() {
            if self.members == 0 {
                return Err(Fault::new(Rule::Structure, "not a gzip file: it is empty").into());
            }
            self.state = State::Ended;
            return Ok(());
        }
        header(&mut self.from, self.members)?;
        self.inflate.reset();
        self.sum = Sum::new();
        self.state = State::Inside;
        Ok(())
    }

    /// RFC 1952 §2.3.1: CRC-32 and the length modulo 2³² of the plain bytes.
    fn end(&mut self) -> io::Result<()> {
        let mut trailer = Field::new(&mut self.from);
        let (crc, length) = (trailer.u32()?, trailer.u32()?);
        if crc != self.sum.crc() {
            return Err(Fault::new(Rule::Checksum, "the CRC-32 does not fit the content").into());
        }
        if u64::from(length) != self.sum.length() & u64::from(u32::MAX) {
            return Err(Fault::new(Rule::Checksum, "the length does not fit the content").into());
        }
        self.bound.check(self.before, self.sum.length(), self.inflate.packed())?;
        self.before = self.before.saturating_add(self.sum.length());
        self.members = self.members.saturating_add(1);
        self.state = State::Between;
        Ok(())
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                State::Ended => return Ok(0),
                State::Between => self.begin()?,
                State::Inside => match self.inflate.read(&mut self.from, into)? {
                    0 => self.end()?,
                    count => {
                        self.sum.update(into.get(..count).unwrap_or_default());
                        self.bound.check_running(self.before, self.sum.length())?;
                        return Ok(count);
                    }
                },
            }
        }
    }
}

/// RFC 1952 §2.3, up to the deflate stream.
fn header(from: &mut impl BufRead, members: u64) -> io::Result<()> {
    let mut field = Field::new(from);
    let magic = match field.array::<2>() {
        Ok(magic) => magic,
        Err(error) if members == 0 || error.kind() != io::ErrorKind::InvalidData => return Err(error),
        // One byte is left.
        Err(_) => [0, 0],
    };
    if magic != MAGIC {
        return Err(match members {
            0 => Fault::new(Rule::Structure, "not a gzip file"),
            _ => Fault::new(Rule::Unowned, "bytes after the last member"),
        }
        .into());
    }
    // Method, flags, time of four bytes, extra flags, system.
    let [method, flags, ..] = field.array::<8>()?;
    if method != 8 {
        return Err(Fault::new(Rule::Method, format!("compressed with method {method}, not deflate")).into());
    }
    if flags & FLAGS_RESERVED != 0 {
        return Err(Fault::new(Rule::Structure, format!("reserved flags are set: {flags:#04x}")).into());
    }
    if flags & FLAG_EXTRA != 0 {
        let length = field.u16()?;
        field.skip(u64::from(length))?;
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            field.text()?;
        }
    }
    if flags & FLAG_HEADER_CRC != 0 {
        // The two lower bytes of the CRC-32 over all header bytes before it.
        let expected = field.sum.crc() & 0xffff;
        if u32::from(field.u16()?) != expected {
            return Err(Fault::new(Rule::Checksum, "the header's CRC does not fit").into());
        }
    }
    Ok(())
}

/// Header and trailer bytes, with their sum.
struct Field<'a, R> {
    from: &'a mut R,
    sum: Sum,
}

impl<'a, R: BufRead> Field<'a, R> {
    fn new(from: &'a mut R) -> Self {
        Self { from, sum: Sum::new() }
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        if read_full(self.from, &mut bytes)? < N {
            return Err(Fault::new(Rule::Structure, "the file is cut short").into());
        }
        self.sum.update(&bytes);
        Ok(bytes)
    }

    fn u16(&mut self) -> io::Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        for _ in 0..count {
            self.array::<1>()?;
        }
        Ok(())
    }

    /// Up to and with a zero.
    fn text(&mut self) -> io::Result<()> {
        for _ in 0..=MAX_FIELD_BYTES {
            if self.array::<1>()? == [0] {
                return Ok(());
            }
        }
        let note = format!("a name or comment of more than {MAX_FIELD_BYTES} bytes");
        Err(Fault::new(Rule::Limit, note).into())
    }
}
