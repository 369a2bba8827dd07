//! Random ids (spec/04 section 9): uniform symbols by masking and rejection from the system's CSPRNG.

use crate::ambient;

/// The 64 symbols of nanoid's URL alphabet.
pub const URL_ALPHABET: &str = "useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict";
/// Symbols of generated passwords and tokens.
pub const PASSWORD_ALPHABET: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

/// An id of `size` symbols of the URL alphabet.
pub fn generate(size: usize) -> String {
    generate_batch(1, size, None)
}

/// `count` ids of `size` symbols each, concatenated; an empty alphabet gives nothing.
pub fn generate_batch(count: usize, size: usize, alphabet: Option<&str>) -> String {
    let symbols: Vec<char> = alphabet.unwrap_or(URL_ALPHABET).chars().collect();
    let total = count.saturating_mul(size);
    if symbols.is_empty() || total == 0 {
        return String::new();
    }
    let mut out = String::with_capacity(total);
    let wide = symbols.len() > 256;
    let mask = symbols.len().next_power_of_two() - 1;
    // No byte is rejected when the symbols are as many as the mask can tell apart.
    let rejected = if symbols.len() == mask + 1 { 1 } else { 2 };
    let mut block = vec![0u8; (total * if wide { 3 } else { rejected }).clamp(64, 1 << 16)];
    let mut made = 0;
    while made < total {
        ambient::random_bytes(&mut block);
        for bytes in block.chunks_exact(if wide { 3 } else { 1 }) {
            let index = bytes.iter().fold(0usize, |n, b| (n << 8) | usize::from(*b)) & mask;
            let Some(symbol) = symbols.get(index) else { continue };
            out.push(*symbol);
            made += 1;
            if made == total {
                break;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_asked_size_and_alphabet() {
        let text = generate_batch(50, 22, None);
        assert_eq!(text.len(), 1100);
        assert!(text.chars().all(|c| URL_ALPHABET.contains(c)));
        assert_eq!(generate(0), "");
        assert_eq!(generate_batch(1, 5, Some("a")), "aaaaa");
        assert!(
            generate_batch(1, 400, Some(PASSWORD_ALPHABET))
                .chars()
                .all(|c| PASSWORD_ALPHABET.contains(c))
        );
    }

    #[test]
    fn every_symbol_comes_up_about_equally_often() {
        let text = generate_batch(1000, 64, None);
        for symbol in URL_ALPHABET.chars() {
            let n = text.chars().filter(|c| *c == symbol).count();
            assert!((800..1200).contains(&n), "{symbol} came {n} times in 64,000");
        }
    }
}
