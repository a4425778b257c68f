// SPDX-License-Identifier: Apache-2.0
//! Compressed members of a .deb and index files of a repository: bytes in, a reader of the content out.
//!
//! Formats are told by what they begin with. A reader ends without error only where the compressed data ends
//! whole, with its own checksum right and nothing behind it.

use std::io::{self, BufRead as _, BufReader, Read};

use flate2::bufread::{GzDecoder, MultiGzDecoder};
use lzma_rust2::XzReader;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::super::{Reason, Stop};
use crate::bytes::Bytes;

/// The window that a compressed file may ask for: what `xz -9` does. It fills only as far as content does.
pub const MAX_WINDOW_BYTES: u32 = 64 * 1024 * 1024;
/// What an xz decoder needs beside its window, in KiB.
const XZ_OVERHEAD_KIB: u32 = 1024;
/// Content for each byte of compressed data, beyond the first MiB of content (`command-line.md`, expansion).
pub const MAX_EXPANSION: u64 = 1000;
/// Content up to which expansion is nobody's business.
const FREE: u64 = 1024 * 1024;

/// How something is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// The .xz format.
    Xz,
    /// RFC 8878.
    Zstandard,
    /// bzip2, which is not read here.
    Bzip2,
    /// The LZMA format before .xz, which is not read here.
    Lzma,
}

impl Compression {
    /// By the first bytes.
    pub fn of(bytes: &dyn Bytes) -> io::Result<Self> {
        let mut start = [0; 6];
        let length = usize::try_from(bytes.length()).unwrap_or(usize::MAX).min(start.len());
        if let Some(start) = start.get_mut(..length) {
            bytes.read_at(0, start)?;
        }
        Ok(match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstandard,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            [0x5d, 0, 0, _, _, _] => Self::Lzma,
            _ => Self::None,
        })
    }

    /// The extension of a file's name; none for plain content.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Xz => ".xz",
            Self::Zstandard => ".zst",
            Self::Bzip2 => ".bz2",
            Self::Lzma => ".lzma",
        }
    }

    /// A reader of the content. It must be read to its end: only there is known that the data was whole.
    pub fn open<'a>(self, compressed: impl Read + 'a, streams: Streams) -> Result<Content<'a>, Stop> {
        let input = BufReader::new(Counted { inner: Box::new(compressed), read: 0 });
        let decoder = match (self, streams) {
            (Self::None, _) => Decoder::None(input),
            (Self::Gzip, Streams::One) => Decoder::Gzip(GzDecoder::new(input)),
            (Self::Gzip, Streams::Several) => Decoder::ManyGzip(MultiGzDecoder::new(input)),
            (Self::Xz, _) => {
                let limit = MAX_WINDOW_BYTES.wrapping_div(1024).saturating_add(XZ_OVERHEAD_KIB);
                let decoder = XzReader::new_mem_limit(input, streams == Streams::Several, limit);
                Decoder::Xz(Box::new(decoder))
            }
            (Self::Zstandard, _) => {
                match StreamingDecoder::new_with_max_window_size(input, MAX_WINDOW_BYTES.into()) {
                    Ok(decoder) => Decoder::Zstandard(Box::new(decoder)),
                    Err(error) => {
                        return Err(Stop::found(Reason::FileMalformed, format!("Zstandard: {error}")));
                    }
                }
            }
            (Self::Bzip2 | Self::Lzma, _) => {
                let extension = self.extension();
                let note =
                    format!("compressed as {extension}, which is not read here; .gz, .xz and .zst are");
                return Err(Stop::found(Reason::CompressionNotSupported, note));
            }
        };
        Ok(Content { decoder, given: 0 })
    }
}

/// How many compressed streams may follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// One: where what is compressed must not be divisible in two ways.
    One,
    /// Several, as far as the format knows such files.
    Several,
}

type Input<'a> = BufReader<Counted<'a>>;

struct Counted<'a> {
    inner: Box<dyn Read + 'a>,
    read: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.read = self.read.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

enum Decoder<'a> {
    None(Input<'a>),
    Gzip(GzDecoder<Input<'a>>),
    ManyGzip(MultiGzDecoder<Input<'a>>),
    Xz(Box<XzReader<Input<'a>>>),
    Zstandard(Box<StreamingDecoder<Input<'a>, FrameDecoder>>),
}

impl<'a> Decoder<'a> {
    fn input(&mut self) -> &mut Input<'a> {
        match self {
            Self::None(input) => input,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::ManyGzip(decoder) => decoder.get_mut(),
            Self::Xz(decoder) => decoder.inner_mut(),
            Self::Zstandard(decoder) => decoder.get_mut(),
        }
    }

    /// At the end of the content: nothing may be left, and what the library leaves to us must hold.
    fn check_end(&mut self) -> io::Result<()> {
        if let Self::Zstandard(decoder) = self {
            let (named, computed) =
                (decoder.decoder.get_checksum_from_data(), decoder.decoder.get_calculated_checksum());
            if named.is_some_and(|named| computed != Some(named)) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "wrong checksum"));
            }
        }
        if self.input().fill_buf()?.is_empty() {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "something follows the compressed data"))
        }
    }
}

/// The content of a compressed file.
pub struct Content<'a> {
    decoder: Decoder<'a>,
    given: u64,
}

impl Read for Content<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let count = match &mut self.decoder {
            Decoder::None(input) => return input.read(into),
            Decoder::Gzip(decoder) => decoder.read(into),
            Decoder::ManyGzip(decoder) => decoder.read(into),
            Decoder::Xz(decoder) => decoder.read(into),
            Decoder::Zstandard(decoder) => decoder.read(into),
        }?;
        if count == 0 {
            self.decoder.check_end()?;
            return Ok(0);
        }
        self.given = self.given.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        let compressed = self.decoder.input().get_ref().read;
        if self.given > FREE && self.given > compressed.saturating_mul(MAX_EXPANSION) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "expands more than a thousandfold"));
        }
        Ok(count)
    }
}

/// Whether an error of a [`Content`] is about what it reads, or about the machine.
pub fn is_about_content(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    // Decoders speak in these kinds; reading a file of known length at a known place does not.
    let kinds = [K::InvalidData, K::InvalidInput, K::UnexpectedEof, K::OutOfMemory, K::Other, K::Unsupported];
    kinds.contains(&error.kind()) && error.raw_os_error().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(bytes: &[u8], streams: Streams) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let compression = Compression::of(&bytes.to_vec())?;
        let Ok(mut reader) = compression.open(bytes, streams) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        reader.read_to_end(&mut content)?;
        Ok(content)
    }

    /// `printf hello | gzip -n`, `… | xz`, `… | zstd`.
    const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
    const XZ: &[u8] = b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\x01\x00\x04\x68\x65\x6c\x6c\x6f\x00\x00\x00\x00\xb1\x37\xb9\xdb\xe5\xda\x1e\x9b\x00\x01\x1d\x05\xb8\x2d\x80\xaf\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a";
    const ZSTANDARD: &[u8] = b"\x28\xb5\x2f\xfd\x04\x58\x29\x00\x00\x68\x65\x6c\x6c\x6f\xa3\x6d\x9f\x88";

    #[test]
    fn whole_streams_are_read_and_no_others() {
        for good in [GZIP, XZ, ZSTANDARD] {
            assert_eq!(unpack(good, Streams::One).unwrap(), b"hello");
            for length in 6..good.len() {
                assert!(unpack(&good[..length], Streams::One).is_err(), "{good:?} cut at {length}");
            }
            for junk in [&b"\0"[..], b"junk", good] {
                let error = unpack(&[good, junk].concat(), Streams::One).unwrap_err();
                assert!(is_about_content(&error), "{error}");
            }
        }
        assert_eq!(unpack(&[GZIP, GZIP].concat(), Streams::Several).unwrap(), b"hellohello");
        assert_eq!(unpack(&[XZ, XZ].concat(), Streams::Several).unwrap(), b"hellohello");
        assert!(unpack(&[GZIP, b"junk"].concat(), Streams::Several).is_err());
        assert_eq!(unpack(b"plain", Streams::One).unwrap(), b"plain");
    }

    #[test]
    fn checksums_count() {
        let last = |bytes: &[u8], back: usize| {
            let mut bytes = bytes.to_vec();
            let at = bytes.len() - back;
            bytes[at] ^= 1;
            bytes
        };
        assert!(unpack(&last(GZIP, 8), Streams::One).is_err());
        assert!(unpack(&last(GZIP, 4), Streams::One).is_err());
        assert!(unpack(&last(ZSTANDARD, 1), Streams::One).is_err());
        assert!((1..XZ.len() - 5).all(|back| unpack(&last(XZ, back), Streams::One).is_err()));
    }

    #[test]
    fn a_bomb_goes_off_early() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![0; 64 * 1024 * 1024]).unwrap();
        let bomb = encoder.finish().unwrap();
        let error = unpack(&bomb, Streams::One).unwrap_err();
        assert!(error.to_string().contains("thousandfold"), "{error}");
    }

    #[test]
    fn what_is_not_read_is_named() {
        assert_eq!(Compression::of(&b"BZh91AY".to_vec()).unwrap(), Compression::Bzip2);
        assert_eq!(Compression::of(&b"\x5d\0\0\x80\0\xff".to_vec()).unwrap(), Compression::Lzma);
        assert_eq!(Compression::of(&b"".to_vec()).unwrap(), Compression::None);
        let stop = Compression::Bzip2.open(&b""[..], Streams::One).err().unwrap();
        assert!(matches!(stop, Stop::Found(Reason::CompressionNotSupported, _)));
    }
}
