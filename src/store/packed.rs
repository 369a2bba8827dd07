//! Metadata in few allocations.

use super::Metadata;

/// User metadata: the texts run together, with the end offset of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedMetadata {
    text: Box<str>,
    ends: Box<[u32]>,
}

impl PackedMetadata {
    /// Packs; a later pair with the same name replaces the earlier one.
    pub fn pack(metadata: &[(String, String)]) -> Self {
        let mut text = String::with_capacity(metadata.iter().map(|(k, v)| k.len() + v.len()).sum());
        let mut ends = Vec::with_capacity(metadata.len() * 2);
        for (index, (name, value)) in metadata.iter().enumerate() {
            if metadata[index + 1..].iter().any(|(later, _)| later == name) {
                continue;
            }
            for part in [name, value] {
                text.push_str(part);
                ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
            }
        }
        Self {
            text: text.into_boxed_str(),
            ends: ends.into_boxed_slice(),
        }
    }

    /// Bytes of all names and values.
    pub fn size(&self) -> usize {
        self.text.len()
    }

    /// Names and values in stored order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut from = 0;
        self.ends.chunks_exact(2).map(move |pair| {
            let (middle, end) = (pair[0] as usize, pair[1] as usize);
            let item = (&self.text[from..middle], &self.text[middle..end]);
            from = end;
            item
        })
    }

    /// Owned copy.
    pub fn unpack(&self) -> Metadata {
        self.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    }
}

/// Writes a [`PackedMetadata`] whose names all differ.
#[derive(Debug)]
pub struct MetadataPacker {
    text: String,
    ends: Vec<u32>,
}

impl MetadataPacker {
    /// Room for `pairs` pairs of `bytes` bytes in all.
    pub fn with_capacity(pairs: usize, bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            ends: Vec::with_capacity(pairs * 2),
        }
    }

    /// Appends a pair.
    pub fn push(&mut self, name: &str, value: &str) {
        for part in [name, value] {
            self.text.push_str(part);
            self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        }
    }

    /// What was pushed.
    pub fn finish(self) -> PackedMetadata {
        PackedMetadata {
            text: self.text.into_boxed_str(),
            ends: self.ends.into_boxed_slice(),
        }
    }
}
