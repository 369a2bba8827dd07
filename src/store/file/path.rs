//! Keys as paths.
//!
//! Each `/`-separated segment becomes a directory, the last one a file. Bytes
//! outside `a-z 0-9 . _ = -` are percent-encoded with lower-case digits, upper
//! case included, so that names differ on file systems that ignore case. `~`
//! is always encoded, which frees it to mark what a name is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Ends the name of an object's file.
const OBJECT: &str = "~o";
/// Ends the name of a temporary file.
const TEMPORARY: &str = "~t";
/// Ends the name of a directory that holds the rest of a long segment.
const CONTINUED: &str = "~+";
/// Stands for the empty segment.
const EMPTY: &str = "%";
/// Longest piece of a segment; names are limited to 255 bytes.
const PIECE: usize = 200;

/// What a directory entry is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Object whose last segment ends in these bytes.
    Object(Vec<u8>),
    /// Directory of a segment.
    Segment(Vec<u8>),
    /// Directory with the rest of a segment that starts with these bytes.
    Continued(Vec<u8>),
    /// Temporary file.
    Temporary,
    /// Not ours.
    Foreign,
}

fn encode(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut out = String::with_capacity(bytes.len() * 2);
    for (at, &byte) in bytes.iter().enumerate() {
        let last = at + 1 == bytes.len();
        match byte {
            // A final dot would make `.` and `..`, and Windows drops it.
            b'.' if !last => out.push('.'),
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'=' | b'-' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                for nibble in [byte >> 4, byte & 15] {
                    out.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
                }
            }
        }
    }
    out
}

fn decode(name: &str) -> Option<Vec<u8>> {
    if name == EMPTY {
        return Some(Vec::new());
    }
    let mut out = Vec::with_capacity(name.len());
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
                let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
                out.push(high << 4 | low);
            }
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'=' | b'-' | b'.' => out.push(byte),
            _ => return None,
        }
    }
    (!out.is_empty()).then_some(out)
}

/// Appends the directories of all but the last piece and returns that piece.
fn push_pieces<'a>(path: &mut PathBuf, encoded: &'a str) -> &'a str {
    let mut rest = encoded;
    while rest.len() > PIECE {
        // Never inside an escape; the text is ASCII.
        let cut = (PIECE - 2..PIECE).find(|at| rest.as_bytes()[*at] == b'%').unwrap_or(PIECE);
        let (piece, tail) = rest.split_at(cut);
        path.push(format!("{piece}{CONTINUED}"));
        rest = tail;
    }
    if rest.is_empty() { EMPTY } else { rest }
}

/// Directory of a key prefix that consists of whole segments (empty, or ending in `/`).
pub(super) fn directory(root: &Path, prefix: &str) -> PathBuf {
    let mut path = root.to_path_buf();
    let Some(segments) = prefix.strip_suffix('/') else {
        return path;
    };
    for segment in segments.split('/') {
        let encoded = encode(segment);
        let last = push_pieces(&mut path, &encoded);
        path.push(last);
    }
    path
}

/// File of a key.
pub(super) fn object(root: &Path, key: &str) -> PathBuf {
    let at = key.rfind('/').map_or(0, |at| at + 1);
    let mut path = directory(root, &key[..at]);
    let encoded = encode(&key[at..]);
    let last = push_pieces(&mut path, &encoded);
    path.push(format!("{last}{OBJECT}"));
    path
}

/// Name for a temporary file.
pub(super) fn temporary(random: &str) -> String {
    format!("{random}{TEMPORARY}")
}

/// Encoded form of the bucket's name.
pub(super) fn bucket(name: &str) -> String {
    encode(name)
}

/// Reads the name of a directory entry.
pub(super) fn name(name: &OsStr) -> Name {
    let Some(name) = name.to_str() else {
        return Name::Foreign;
    };
    let read = |text: &str, make: fn(Vec<u8>) -> Name| decode(text).map_or(Name::Foreign, make);
    if let Some(text) = name.strip_suffix(OBJECT) {
        read(text, Name::Object)
    } else if let Some(text) = name.strip_suffix(CONTINUED) {
        read(text, Name::Continued)
    } else if name.ends_with(TEMPORARY) {
        Name::Temporary
    } else {
        read(name, Name::Segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(key: &str) -> String {
        object(Path::new("r"), key).to_string_lossy().replace('\\', "/")
    }

    #[test]
    fn keys_stay_readable_and_inside() {
        assert_eq!(relative("resource=users/data/id=a1"), "r/resource=users/data/id=a1~o");
        assert_eq!(relative("Ab c"), "r/%41b%20c~o");
        assert_eq!(relative("../../x"), "r/.%2e/.%2e/x~o");
        assert_eq!(relative("."), "r/%2e~o");
        assert_eq!(relative("/a//b/"), "r/%/a/%/b/%~o");
        assert_eq!(relative("~%\u{0}é"), "r/%7e%25%00%c3%a9~o");
    }

    #[test]
    fn long_segments_are_split_outside_escapes() {
        for key in [
            "x".repeat(400),
            "É".repeat(200),
            format!("x{}", "É".repeat(200)),
            format!("xx{}", "É".repeat(200)),
        ] {
            let path = object(Path::new("r"), &key);
            let mut bytes = Vec::new();
            for part in path.components().skip(1) {
                assert!(part.as_os_str().len() <= 255);
                match name(part.as_os_str()) {
                    Name::Object(piece) | Name::Continued(piece) => bytes.extend(piece),
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(bytes, key.as_bytes());
        }
    }

    #[test]
    fn foreign_names_are_told_apart() {
        for foreign in ["Thumbs.db", "a b", "%4", "%zz", "é", "~o", ""] {
            assert_eq!(name(OsStr::new(foreign)), Name::Foreign, "{foreign}");
        }
        assert_eq!(name(OsStr::new("abc~t")), Name::Temporary);
        assert_eq!(name(OsStr::new("%")), Name::Segment(Vec::new()));
    }
}
