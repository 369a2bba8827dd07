//! Doubly linked list over slot numbers.

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Link {
    before: u32,
    behind: u32,
}

const LOOSE: Link = Link {
    before: NONE,
    behind: NONE,
};

/// Slots from the first to go to the last.
pub(super) struct List {
    links: Vec<Link>,
    front: u32,
    back: u32,
}

impl Default for List {
    fn default() -> Self {
        Self {
            links: Vec::new(),
            front: NONE,
            back: NONE,
        }
    }
}

impl List {
    /// The first slot, or [`NONE`].
    pub(super) fn front(&self) -> u32 {
        self.front
    }

    /// Appends a slot that is not in the list.
    pub(super) fn push_back(&mut self, slot: u32) {
        let index = slot as usize;
        if index >= self.links.len() {
            self.links.resize(index + 1, LOOSE);
        }
        self.links[index] = Link {
            before: self.back,
            behind: NONE,
        };
        match self.back {
            NONE => self.front = slot,
            back => self.links[back as usize].behind = slot,
        }
        self.back = slot;
    }

    /// Takes out a slot that is in the list.
    pub(super) fn remove(&mut self, slot: u32) {
        let Link { before, behind } = self.links[slot as usize];
        match before {
            NONE => self.front = behind,
            _ => self.links[before as usize].behind = behind,
        }
        match behind {
            NONE => self.back = before,
            _ => self.links[behind as usize].before = before,
        }
        self.links[slot as usize] = LOOSE;
    }
}
