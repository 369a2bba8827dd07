//! Base64 as Node reads it: characters outside the alphabet skipped, `-` and `_` accepted, padding optional, end at the first `=`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Standard padded base64.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Lenient decoding; never fails.
pub fn decode(text: &str) -> Vec<u8> {
    if let Ok(bytes) = STANDARD.decode(text) {
        return bytes;
    }
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0u32);
    for b in text.bytes() {
        let sextet = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(sextet);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(((bits >> count) & 0xff) as u8);
        }
    }
    out
}

/// Characters of base64 or its URL form and padding at the end, of a length that bytes can have.
pub fn is_clean(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    body.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'))
        && body.len() % 4 != 1
        && (padding == 0 || padding < 3 && text.len().is_multiple_of(4))
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_what_node_reads() {
        assert_eq!(super::decode("aGk"), b"hi");
        assert_eq!(super::decode("a G\nk="), b"hi");
        assert_eq!(super::decode("-_8"), [0xfb, 0xff]);
        assert_eq!(super::decode("aGk=aGk="), b"hi");
        assert_eq!(super::decode("!"), b"");
    }
}
