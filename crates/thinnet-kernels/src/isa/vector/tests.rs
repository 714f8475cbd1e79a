use super::*;
use crate::isa::testing;

fn lanes<V: Vector>(vector: V) -> Vec<u32> {
    let mut lanes = [0.0; MOST_LANES];
    vector.store(&mut lanes);
    lanes[..V::LANES].iter().map(|lane| lane.to_bits()).collect()
}

/// What every operation gives for sixteen numbers, by as many vectors as they take. Nothing here rounds, so that all sets must
/// agree; but for the sign of a NaN that arithmetic makes.
fn bits<V: Vector>() -> Vec<Vec<u32>> {
    let first = [1.0, -0.0, f32::NAN, f32::INFINITY, 2.5, -3.0, 0.0, 7.0].repeat(2);
    let second = [0.5, 0.0, 1.0, f32::INFINITY, 3.5, 0.0, 0.0, 0.0, -1.0, 2.0];
    let mut all = vec![vec![]; 12];
    for start in (0..MOST_LANES).step_by(V::LANES) {
        let a = V::load(&first[start..]);
        let b = V::load_part(&second[start.min(second.len())..]);
        let mut part = [9.0; 3];
        a.store_part(&mut part);
        let (three, c) = (V::load_part(&part), V::splat(1.5));
        let arithmetic = [b.add(c), c.subtract(b), b.multiply(c), b.mul_add(c, c)];
        let masks = [a.above(b), a.equals(b), a.is_nan(), a.and(b), a.without(b), a.or(b)];
        assert_eq!(lanes(three)[..4], [1.0, -0.0, f32::NAN, 0.0].map(f32::to_bits));
        for (all, vector) in all.iter_mut().zip(arithmetic.into_iter().chain(masks)) {
            all.extend(lanes(vector));
        }
        let signs = [c.subtract(b), a.equals(b), a].map(V::signs);
        all[11].extend((0..V::LANES).flat_map(|lane| signs.map(|signs| signs >> lane & 1)));
        assert!(signs.iter().all(|signs| u64::from(*signs) < 1 << V::LANES));
    }
    all
}

/// A table of numbers by [`transpose`].
fn transposed<V: Vector>() -> Vec<Vec<u32>> {
    let mut rows = [V::splat(-1.0); MOST_LANES];
    for (row, vector) in rows.iter_mut().enumerate().take(V::LANES) {
        let numbers: Vec<f32> = (0..V::LANES).map(|column| (100 * row + column) as f32).collect();
        *vector = V::load(&numbers);
    }
    transpose(rows).into_iter().take(V::LANES).map(lanes).collect()
}

/// Slices of every length, with memory behind them that is not theirs.
fn parts<V: Vector>() {
    let numbers: Vec<f32> = (1..=MOST_LANES + 2).map(|number| number as f32).collect();
    for len in 0..=MOST_LANES {
        let count = len.min(V::LANES);
        let mut expected = [0.0; MOST_LANES];
        expected[..count].copy_from_slice(&numbers[..count]);
        let part = V::load_part(&numbers[..len]);
        assert_eq!(lanes(part), expected.map(f32::to_bits)[..V::LANES], "{len} loaded");
        let mut stored = [-1.0; MOST_LANES + 1];
        V::load(&numbers).store_part(&mut stored[..len]);
        assert_eq!(stored[..count], numbers[..count], "{len} stored");
        assert!(stored[count..].iter().all(|&number| number == -1.0), "{len} stored: {stored:?}");
    }
}

fn check<V: Vector>() {
    parts::<V>();
    assert_eq!(bits::<V>(), bits::<Plain>());
    for (row, numbers) in transposed::<V>().into_iter().enumerate() {
        let expected: Vec<u32> =
            (0..V::LANES).map(|column| ((100 * column + row) as f32).to_bits()).collect();
        assert_eq!(numbers, expected);
    }
}

#[test]
fn every_kind_agrees_with_plain_rust() {
    check::<Plain>();
    check::<Pair<Plain>>();
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2() {
            check::<Avx2>();
            check::<Pair<Avx2>>();
        }
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        fn avx512() {
            check::<Avx512>();
        }
        for set in testing::available() {
            match set {
                // SAFETY: the processor has this set.
                crate::isa::Isa::Avx2 => unsafe { avx2() },
                // SAFETY: as above.
                crate::isa::Isa::Avx512 => unsafe { avx512() },
                crate::isa::Isa::Portable => {}
            }
        }
    }
}
