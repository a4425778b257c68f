// SPDX-License-Identifier: Apache-2.0
//! BER in, DER out (X.690 §8 and §10), for what stands before `cms` and `der`, which read DER alone.
//!
//! Indefinite lengths become definite, strings in pieces become one. Whatever holds neither is copied byte for
//! byte, so that certificates and signed content stay what was signed. The order of sets is kept: who signed
//! over an order that is not DER's is found by the caller. Nothing is proven here.

use super::Malformed;

/// Nesting of one structure. Vendors' signatures, nested ones included, have about twenty levels.
pub const MAX_DEPTH: usize = 64;

/// The first element of `ber` as DER, and how many bytes it took.
pub fn to_der(ber: &[u8]) -> Result<(Vec<u8>, usize), Malformed> {
    let mut out = Vec::new();
    let (element, _) = Element::read(ber, 0)?;
    convert(&element, 0, &mut out)?;
    Ok((out, element.whole.len()))
}

/// Whether an element had to be written anew.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Kept,
    Rewritten,
}

/// One element of BER.
struct Element<'a> {
    /// From the tag to the end, the end mark of an indefinite length included.
    whole: &'a [u8],
    tag: &'a [u8],
    value: &'a [u8],
    length: Length,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Definite,
    Indefinite,
}

const CONSTRUCTED: u8 = 0x20;

fn cut_short() -> Malformed {
    Malformed::new("BER: an element runs past its end")
}

impl<'a> Element<'a> {
    /// The first element, and what follows it.
    fn read(input: &'a [u8], depth: usize) -> Result<(Self, &'a [u8]), Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed::new(format!("BER: more than {MAX_DEPTH} levels")));
        }
        let (tag, after) = read_tag(input)?;
        let (&first, after) = after.split_first().ok_or_else(cut_short)?;
        if first == 0x80 {
            return Self::read_indefinite(input, tag, after, depth);
        }
        let (length, after) = if first < 0x80 {
            (usize::from(first), after)
        } else {
            let (digits, after) = after.split_at_checked(usize::from(first & 0x7f)).ok_or_else(cut_short)?;
            let significant = digits.iter().skip_while(|digit| **digit == 0).count();
            if significant > 4 {
                return Err(Malformed::new("BER: a length beyond 4 GiB"));
            }
            let length = digits.iter().fold(0_u64, |sum, digit| (sum << 8) | u64::from(*digit));
            (usize::try_from(length).map_err(|_| cut_short())?, after)
        };
        let (value, rest) = after.split_at_checked(length).ok_or_else(cut_short)?;
        let whole = input.get(..input.len().saturating_sub(rest.len())).ok_or_else(cut_short)?;
        Ok((Self { whole, tag, value, length: Length::Definite }, rest))
    }

    /// X.690 §8.1.3.6: elements up to an end mark.
    fn read_indefinite(
        input: &'a [u8],
        tag: &'a [u8],
        start: &'a [u8],
        depth: usize,
    ) -> Result<(Self, &'a [u8]), Malformed> {
        if tag.first().is_none_or(|first| first & CONSTRUCTED == 0) {
            return Err(Malformed::new("BER: a primitive element of indefinite length"));
        }
        let mut rest = start;
        let after = loop {
            if let Some(after) = rest.strip_prefix(&[0, 0]) {
                break after;
            }
            (_, rest) = Element::read(rest, depth.saturating_add(1))?;
        };
        let value = start.get(..start.len().saturating_sub(rest.len())).ok_or_else(cut_short)?;
        let whole = input.get(..input.len().saturating_sub(after.len())).ok_or_else(cut_short)?;
        Ok((Self { whole, tag, value, length: Length::Indefinite }, after))
    }

    fn is_constructed(&self) -> bool {
        self.tag.first().is_some_and(|first| first & CONSTRUCTED != 0)
    }

    /// The number of a universal string type (X.690 §8.6, §8.7, §8.21 to §8.25) that may come in pieces.
    fn string_type(&self) -> Option<u8> {
        match self.tag {
            [first] if matches!(first & !CONSTRUCTED, 3 | 4 | 12 | 18..=30) => Some(first & !CONSTRUCTED),
            _ => None,
        }
    }
}

fn read_tag(input: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let first = input.first().ok_or_else(cut_short)?;
    let length = if first & 0x1f == 0x1f {
        let more = input.iter().skip(1).take_while(|byte| **byte & 0x80 != 0).count();
        // Tags beyond 2^14 are nobody's.
        if more > 2 {
            return Err(Malformed::new("BER: a tag number that nobody uses"));
        }
        more.saturating_add(2)
    } else {
        1
    };
    input.split_at_checked(length).ok_or_else(cut_short)
}

/// Appends an element to `out` as DER.
fn convert(element: &Element<'_>, depth: usize, out: &mut Vec<u8>) -> Result<Form, Malformed> {
    if !element.is_constructed() {
        out.extend_from_slice(element.whole);
        return Ok(Form::Kept);
    }
    let start = out.len();
    if let Some(string) = element.string_type() {
        let mut pieces = Pieces { string, unused: 0, bytes: Vec::new() };
        pieces.collect(element.value, depth.saturating_add(1))?;
        let bytes = pieces.finish();
        write_header(&[string], bytes.len(), out);
        out.extend_from_slice(&bytes);
        return Ok(Form::Rewritten);
    }
    let mut form = if element.length == Length::Definite { Form::Kept } else { Form::Rewritten };
    let mut rest = element.value;
    while !rest.is_empty() {
        let (inner, after) = Element::read(rest, depth.saturating_add(1))?;
        if convert(&inner, depth.saturating_add(1), out)? == Form::Rewritten {
            form = Form::Rewritten;
        }
        rest = after;
    }
    if form == Form::Kept {
        out.truncate(start);
        out.extend_from_slice(element.whole);
        return Ok(form);
    }
    let mut header = Vec::new();
    write_header(element.tag, out.len().saturating_sub(start), &mut header);
    out.splice(start..start, header);
    Ok(form)
}

fn write_header(tag: &[u8], length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(tag);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let digits = length.to_be_bytes();
            let zeros = digits.iter().take_while(|digit| **digit == 0).count();
            let digits = digits.get(zeros..).unwrap_or_default();
            out.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            out.extend_from_slice(digits);
        }
    }
}

/// The pieces of one string, joined.
struct Pieces {
    string: u8,
    unused: u8,
    bytes: Vec<u8>,
}

impl Pieces {
    fn collect(&mut self, mut rest: &[u8], depth: usize) -> Result<(), Malformed> {
        while !rest.is_empty() {
            let (piece, after) = Element::read(rest, depth)?;
            rest = after;
            // §8.14 is not for pieces of other types: a string in pieces holds strings of its own type; strings of
            // characters hold octet strings (§8.23.6).
            let own = piece.string_type().filter(|own| *own == self.string || *own == 4);
            if own.is_none() {
                return Err(Malformed::new("BER: a string in pieces holds something else"));
            }
            if piece.is_constructed() {
                self.collect(piece.value, depth.saturating_add(1))?;
            } else if self.string == 3 {
                let (&unused, bits) = piece.value.split_first().ok_or_else(cut_short)?;
                if self.unused != 0 || unused > 7 {
                    return Err(Malformed::new("BER: a bit string with unused bits in the middle"));
                }
                self.unused = unused;
                self.bytes.extend_from_slice(bits);
            } else {
                self.bytes.extend_from_slice(piece.value);
            }
        }
        Ok(())
    }

    fn finish(self) -> Vec<u8> {
        if self.string == 3 { [&[self.unused][..], &self.bytes].concat() } else { self.bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn converts(ber: &[u8], der: &[u8]) {
        let (found, taken) = to_der(ber).unwrap();
        assert_eq!(found, der);
        assert_eq!(taken, ber.len());
        assert_eq!(to_der(der).unwrap(), (der.to_vec(), der.len()), "DER is its own form");
    }

    #[test]
    fn indefinite_lengths_become_definite() {
        converts(&[0x30, 0x80, 2, 1, 5, 0, 0], &[0x30, 3, 2, 1, 5]);
        converts(&[0x30, 0x80, 0xa0, 0x80, 2, 1, 5, 0, 0, 0, 0], &[0x30, 5, 0xa0, 3, 2, 1, 5]);
        converts(&[0x30, 7, 0x31, 0x80, 2, 1, 5, 0, 0], &[0x30, 5, 0x31, 3, 2, 1, 5]);
    }

    #[test]
    fn strings_in_pieces_become_one() {
        converts(&[0x24, 0x80, 4, 1, 1, 0x24, 3, 4, 1, 2, 4, 1, 3, 0, 0], &[4, 3, 1, 2, 3]);
        converts(&[0x23, 8, 3, 2, 0, 0xaa, 3, 2, 4, 0xb0], &[3, 3, 4, 0xaa, 0xb0]);
        assert!(to_der(&[0x23, 8, 3, 2, 4, 0xa0, 3, 2, 0, 0xb0]).is_err());
        assert!(to_der(&[0x24, 3, 2, 1, 1]).is_err());
    }

    #[test]
    fn long_contents_get_long_lengths() {
        let inner = [[4, 0x81, 200].as_slice(), &[7; 200]].concat();
        let ber = [&[0x30, 0x80], inner.as_slice(), &[0, 0]].concat();
        converts(&ber, &[&[0x30, 0x81, 203], inner.as_slice()].concat());
    }

    #[test]
    fn what_needs_no_change_is_copied_as_it_is() {
        // A length that could be shorter: DER's readers judge it, here it might be what was signed.
        converts(&[0x30, 0x81, 3, 2, 1, 5], &[0x30, 0x81, 3, 2, 1, 5]);
        assert_eq!(to_der(&[5, 0, 9, 9]).unwrap(), (vec![5, 0], 2));
    }

    #[test]
    fn what_does_not_end_is_refused() {
        let endless = [[0x30, 0x80]; 70].concat();
        let nested = [[0x30, 0x84, 0, 0, 0, 0]; 70].concat();
        for ber in [
            &endless[..],
            &nested,
            &[],
            &[0x30],
            &[0x30, 5, 1],
            &[4, 0x80, 0, 0],
            &[0x30, 0x80, 0],
            &[0x30, 0x88, 1, 0, 0, 0, 0, 0, 0, 0],
        ] {
            let found = to_der(ber);
            assert!(found.is_err() || found.is_ok_and(|(_, taken)| taken == 6), "{ber:?}");
        }
    }
}
