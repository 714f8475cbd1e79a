//! Vectors of f32.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod pair;
mod plain;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use pair::Pair;
pub(crate) use plain::Plain;

/// The most numbers that a vector has.
pub(crate) const MOST_LANES: usize = 16;

/// Some numbers, side by side. Each operation rounds as the [`Arithmetic`](super::Arithmetic) that it is of.
pub(crate) trait Vector: Copy {
    /// How many: a power of two.
    const LANES: usize;

    fn splat(value: f32) -> Self;

    /// # Safety
    /// As many numbers as the vector has can be read from there.
    unsafe fn load_from(from: *const f32) -> Self;

    /// # Safety
    /// As many numbers as the vector has can be written there.
    unsafe fn store_to(self, to: *mut f32);

    fn add(self, other: Self) -> Self;
    fn subtract(self, other: Self) -> Self;
    fn multiply(self, other: Self) -> Self;
    /// self·b + c
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// All bits of each number that is above the other's, no bit of the rest.
    fn above(self, other: Self) -> Self;
    /// The same for numbers that are equal.
    fn equals(self, other: Self) -> Self;
    /// The same for numbers that are not a number.
    fn is_nan(self) -> Self;
    /// The bits that both have.
    fn and(self, mask: Self) -> Self;
    /// The bits that the mask lacks.
    fn without(self, mask: Self) -> Self;
    /// The bits that one of both has.
    fn or(self, other: Self) -> Self;
    /// A bit for each number, the first one's the lowest: its sign.
    fn signs(self) -> u32;
    /// Both vectors' numbers in turns: a₀ b₀ a₁ b₁ …
    fn interleave(self, other: Self) -> [Self; 2];

    /// The first numbers of a slice that has enough.
    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let from = &from[..Self::LANES];
        // SAFETY: the slice has as many.
        unsafe { Self::load_from(from.as_ptr()) }
    }

    /// Overwrites the first numbers of a slice that has enough.
    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        let to = &mut to[..Self::LANES];
        // SAFETY: the slice has as many.
        unsafe { self.store_to(to.as_mut_ptr()) }
    }

    /// The first numbers of a slice, with zeros behind its end.
    #[inline(always)]
    fn load_part(from: &[f32]) -> Self {
        if from.len() >= Self::LANES {
            return Self::load(from);
        }
        let mut lanes = [0.0; MOST_LANES];
        lanes[..from.len()].copy_from_slice(from);
        Self::load(&lanes)
    }

    /// Overwrites the first numbers of a slice, as many as it has.
    #[inline(always)]
    fn store_part(self, to: &mut [f32]) {
        if to.len() >= Self::LANES {
            return self.store(to);
        }
        let mut lanes = [0.0; MOST_LANES];
        self.store(&mut lanes);
        to.copy_from_slice(&lanes[..to.len()]);
    }
}

/// As many vectors as each has numbers, rows and columns exchanged; vectors beyond them are left as they are.
///
/// Rounds of interleaving the first half with the second: each moves one more bit of a number's row into its column.
#[inline(always)]
pub(crate) fn transpose<V: Vector>(mut rows: [V; MOST_LANES]) -> [V; MOST_LANES] {
    for _ in 0..V::LANES.trailing_zeros() {
        let before = rows;
        for pair in 0..V::LANES / 2 {
            [rows[2 * pair], rows[2 * pair + 1]] = before[pair].interleave(before[pair + V::LANES / 2]);
        }
    }
    rows
}
