//! Vectors of eight f32.

/// The numbers in a vector.
pub(crate) const LANES: usize = 8;

/// Eight numbers. Each operation rounds as the [`Arithmetic`](super::Arithmetic) that it is of.
pub(crate) trait Vector: Copy {
    fn splat(value: f32) -> Self;
    fn load(from: &[f32; LANES]) -> Self;
    fn store(self, to: &mut [f32; LANES]);
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

    /// The first numbers of a slice, with zeros behind its end.
    #[inline(always)]
    fn load_part(from: &[f32]) -> Self {
        match from.first_chunk() {
            Some(whole) => Self::load(whole),
            None => {
                let mut lanes = [0.0; LANES];
                lanes[..from.len()].copy_from_slice(from);
                Self::load(&lanes)
            }
        }
    }

    /// Overwrites the first numbers of a slice, as many as it has.
    #[inline(always)]
    fn store_part(self, to: &mut [f32]) {
        match to.first_chunk_mut() {
            Some(whole) => self.store(whole),
            None => {
                let mut lanes = [0.0; LANES];
                self.store(&mut lanes);
                to.copy_from_slice(&lanes[..to.len()]);
            }
        }
    }
}

/// Plain Rust, two roundings.
#[derive(Clone, Copy)]
pub(crate) struct Plain([f32; LANES]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| f(self.0[lane], other.0[lane])))
    }
}

impl Vector for Plain {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        Self(*from)
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        *to = self.0;
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.multiply(b).add(c)
    }

    #[inline(always)]
    fn above(self, other: Self) -> Self {
        self.zip(other, |a, b| mask(a > b))
    }

    #[inline(always)]
    fn equals(self, other: Self) -> Self {
        self.zip(other, |a, b| mask(a == b))
    }

    #[inline(always)]
    fn is_nan(self) -> Self {
        self.zip(self, |a, _| mask(a.is_nan()))
    }

    #[inline(always)]
    fn and(self, mask: Self) -> Self {
        self.zip(mask, |a, b| f32::from_bits(a.to_bits() & b.to_bits()))
    }

    #[inline(always)]
    fn without(self, mask: Self) -> Self {
        self.zip(mask, |a, b| f32::from_bits(a.to_bits() & !b.to_bits()))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| f32::from_bits(a.to_bits() | b.to_bits()))
    }
}

/// All bits or none.
#[inline(always)]
fn mask(condition: bool) -> f32 {
    f32::from_bits(u32::from(condition).wrapping_neg())
}

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256, _CMP_EQ_OQ, _CMP_GT_OQ, _CMP_UNORD_Q, _mm256_add_ps, _mm256_and_ps, _mm256_andnot_ps,
        _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_or_ps, _mm256_set1_ps,
        _mm256_storeu_ps, _mm256_sub_ps,
    };

    use super::{LANES, Vector};

    /// A register of AVX2. Only kernels that [`dispatch!`](crate::isa::dispatch) compiled with AVX2 and FMA use it.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(__m256);

    impl Vector for Avx2 {
        #[inline(always)]
        fn splat(value: f32) -> Self {
            // SAFETY: runs only within kernels for AVX2, which run only where the processor has it.
            Self(unsafe { _mm256_set1_ps(value) })
        }

        #[inline(always)]
        fn load(from: &[f32; LANES]) -> Self {
            // SAFETY: as in `splat`; `from` is eight readable f32.
            Self(unsafe { _mm256_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; LANES]) {
            // SAFETY: as in `splat`; `to` is eight writable f32.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: as in `splat`.
            Self(unsafe { _mm256_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn subtract(self, other: Self) -> Self {
            // SAFETY: as in `splat`.
            Self(unsafe { _mm256_sub_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn multiply(self, other: Self) -> Self {
            // SAFETY: as in `splat`.
            Self(unsafe { _mm256_mul_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            // SAFETY: as in `splat`; FMA is there wherever these kernels run.
            Self(unsafe { _mm256_fmadd_ps(self.0, b.0, c.0) })
        }

        #[inline(always)]
        fn above(self, other: Self) -> Self {
            // SAFETY: as in `splat`.
            Self(unsafe { _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0) })
        }

        #[inline(always)]
        fn equals(self, other: Self) -> Self {
            // SAFETY: as in `splat`.
            Self(unsafe { _mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, other.0) })
        }

        #[inline(always)]
        fn is_nan(self) -> Self {
            // SAFETY: as in `splat`.
            Self(unsafe { _mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, self.0) })
        }

        #[inline(always)]
        fn and(self, mask: Self) -> Self {
            // SAFETY: as in `splat`.
            Self(unsafe { _mm256_and_ps(self.0, mask.0) })
        }

        #[inline(always)]
        fn without(self, mask: Self) -> Self {
            // SAFETY: as in `splat`.
            Self(unsafe { _mm256_andnot_ps(mask.0, self.0) })
        }

        #[inline(always)]
        fn or(self, other: Self) -> Self {
            // SAFETY: as in `splat`.
            Self(unsafe { _mm256_or_ps(self.0, other.0) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes<V: Vector>(vector: V) -> [u32; LANES] {
        let mut lanes = [0.0; LANES];
        vector.store(&mut lanes);
        lanes.map(f32::to_bits)
    }

    /// What does not round gives the same bits on every set; but for the sign of a NaN that arithmetic makes.
    fn bits<V: Vector>() -> Vec<[u32; LANES]> {
        let a = V::load(&[1.0, -0.0, f32::NAN, f32::INFINITY, 2.5, -3.0, 0.0, 7.0]);
        let b = V::load_part(&[0.5, 0.0, 1.0, f32::INFINITY, 3.5]);
        let mut part = [9.0; 3];
        a.store_part(&mut part);
        let (three, c) = (V::load_part(&part), V::splat(1.5));
        let arithmetic = [b.add(c), c.subtract(b), b.multiply(c), b.mul_add(c, c)];
        let masks = [a.above(b), a.equals(b), a.is_nan(), a.and(b), a.without(b), a.or(b), three];
        arithmetic.into_iter().chain(masks).map(lanes).collect()
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn both_sets_agree() {
        #[target_feature(enable = "avx2,fma")]
        fn vectors() -> Vec<[u32; LANES]> {
            bits::<Avx2>()
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor was just asked.
            let (fast, plain) = (unsafe { vectors() }, bits::<Plain>());
            assert_eq!(fast, plain);
        }
    }
}
