//! Whitening: the linear map that makes elements uncorrelated and changes them as little as possible.

use thinnet_kernels::dense::gradient;

/// The sum of x·xᵀ over samples, of which only the elements on and above the diagonal are kept up to date.
pub(super) struct Products {
    len: usize,
    sums: Vec<f64>,
    pending: Vec<f32>,
    samples: usize,
}

/// Samples that are added at once, so that the matrix passes through the cache that much less often.
const BLOCK: usize = 8;

impl Products {
    pub(super) fn new(len: usize) -> Self {
        Self { len, sums: vec![0.0; len * len], pending: Vec::with_capacity(BLOCK * len), samples: 0 }
    }

    pub(super) fn add(&mut self, x: &[f32]) {
        self.pending.extend_from_slice(x);
        self.samples += 1;
        if self.pending.len() == BLOCK * self.len {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.pending.resize(BLOCK * self.len, 0.0);
        for (i, row) in self.sums.chunks_exact_mut(self.len).enumerate() {
            let samples: [&[f32]; BLOCK] =
                std::array::from_fn(|sample| &self.pending[sample * self.len + i..][..self.len - i]);
            let factors = samples.map(|sample| f64::from(sample[0]));
            for (j, sum) in row[i..].iter_mut().enumerate() {
                *sum += (0..BLOCK).map(|s| factors[s] * f64::from(samples[s][j])).sum::<f64>();
            }
        }
        self.pending.clear();
    }

    /// U·diag(√n/(s + ε))·Uᵀ, where U·diag(s) comes from the singular value decomposition of the n samples as columns.
    ///
    /// Directions along which the samples do not differ by more than rounding (s below a millionth of the largest) are
    /// left out: dividing by their s would give noise.
    pub(super) fn whitening(mut self, epsilon: f64) -> Vec<f32> {
        self.flush();
        let (len, root) = (self.len, (self.samples as f64).sqrt());
        for i in 0..len {
            for j in 0..i {
                self.sums[i * len + j] = self.sums[j * len + i];
            }
        }
        let (squares, vectors) = eigen(self.sums, len);
        let singular = |square: f64| square.max(0.0).sqrt();
        let largest = squares.iter().copied().map(singular).fold(0.0, f64::max);
        let mut scaled = Vec::with_capacity(len * len);
        for (&square, vector) in squares.iter().zip(vectors.chunks_exact(len)) {
            let s = singular(square);
            let factor = if s > 1e-6 * largest { (root / (s + epsilon)).sqrt() } else { 0.0 };
            scaled.extend(vector.iter().map(|&u| (factor * u) as f32));
        }
        let mut out = vec![0.0; len * len];
        gradient(&scaled, len, &[&scaled], len, false, &mut out);
        out
    }
}

/// The eigenvalues of a symmetric `n` × `n` matrix and its eigenvectors, one after the other.
///
/// Householder's reduction to a tridiagonal matrix, then the QL algorithm with implicit shifts (Golub & Van Loan, *Matrix
/// computations*, §8.3). All inner loops run along rows.
fn eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut off_diagonal = vec![0.0; n];
    // The reflections' scales; their vectors stay in the rows of `a`, right of the diagonal.
    let mut scales = vec![0.0; n];
    let mut p = vec![0.0; n];
    for k in 0..n.saturating_sub(1) {
        let (done, rest) = a.split_at_mut((k + 1) * n);
        let v = &mut done[k * n + k + 1..];
        let norm = dot(v, v).sqrt();
        if norm == 0.0 {
            continue;
        }
        let target = -norm.copysign(v[0]);
        off_diagonal[k] = target;
        v[0] -= target;
        let scale = 2.0 / dot(v, v);
        scales[k] = scale;
        let p = &mut p[k + 1..];
        for (p, row) in p.iter_mut().zip(rest.chunks_exact(n)) {
            *p = scale * dot(&row[k + 1..], v);
        }
        add(-0.5 * scale * dot(p, v), v, p);
        for (i, row) in rest.chunks_exact_mut(n).enumerate() {
            let (vi, pi) = (v[i], p[i]);
            for ((x, v), p) in row[k + 1..].iter_mut().zip(&*v).zip(&*p) {
                *x -= vi * p + pi * v;
            }
        }
    }
    let mut values: Vec<f64> = (0..n).map(|k| a[k * n + k]).collect();
    let mut vectors = vec![0.0; n * n];
    for k in 0..n {
        vectors[k * n + k] = 1.0;
    }
    diagonalize(&mut values, &mut off_diagonal, &mut vectors);
    for vector in vectors.chunks_exact_mut(n) {
        for k in (0..n.saturating_sub(1)).rev() {
            let (v, rest) = (&a[k * n + k + 1..(k + 1) * n], &mut vector[k + 1..]);
            add(-scales[k] * dot(v, rest), v, rest);
        }
    }
    (values, vectors)
}

/// Makes a tridiagonal matrix, given its diagonal `d` and what is beside it, diagonal, and does to the rows of `z` what
/// it does to the matrix's.
fn diagonalize(d: &mut [f64], e: &mut [f64], z: &mut [f64]) {
    let n = d.len();
    let largest = d.iter().chain(&*e).fold(0.0, |largest: f64, x| largest.max(x.abs()));
    for l in 0..n {
        // Two steps an eigenvalue are usual; the bound is for numbers that are none.
        for _ in 0..100 {
            let m = (l..n - 1).find(|&m| e[m].abs() <= f64::EPSILON * largest).unwrap_or(n - 1);
            if m == l {
                break;
            }
            let mut g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            g = d[m] - d[l] + e[l] / (g + g.hypot(1.0).copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut split = false;
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                let r = f.hypot(g);
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    split = true;
                    break;
                }
                (s, c) = (f / r, g / r);
                g = d[i + 1] - p;
                let r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
                let (upper, lower) = z.split_at_mut((i + 1) * n);
                for (x, y) in upper[i * n..].iter_mut().zip(&mut lower[..n]) {
                    (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                }
            }
            if !split {
                d[l] -= p;
                e[l] = g;
            }
            e[m] = 0.0;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Four sums side by side, which the compiler keeps in vector registers.
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// y += factor·x
fn add(factor: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Domain, Stream};

    fn random(n: usize) -> Vec<f64> {
        let mut draws = Stream::new(1, Domain::Shuffle).at(0, n);
        (0..n).map(|_| draws.normal()).collect()
    }

    fn symmetric(n: usize) -> Vec<f64> {
        let values = random(n * n);
        (0..n * n).map(|e| values[e] + values[e % n * n + e / n]).collect()
    }

    #[test]
    fn eigenvectors_are_orthonormal_and_give_the_matrix_back() {
        let diagonal: Vec<f64> = (0..25).map(|e| if e % 6 == 0 { e as f64 } else { 0.0 }).collect();
        let ones = vec![1.0; 49];
        for (n, a) in [(1, vec![3.0]), (2, symmetric(2)), (40, symmetric(40)), (5, diagonal), (7, ones)] {
            let (values, vectors) = eigen(a.clone(), n);
            for i in 0..n {
                for j in 0..n {
                    let (u, v) = (&vectors[i * n..][..n], &vectors[j * n..][..n]);
                    assert!((dot(u, v) - f64::from(u8::from(i == j))).abs() < 1e-12, "{n}: {i}, {j}");
                    let sum: f64 = (0..n).map(|k| values[k] * vectors[k * n + i] * vectors[k * n + j]).sum();
                    assert!((sum - a[i * n + j]).abs() < 1e-11, "{n}: {sum} for {}", a[i * n + j]);
                }
            }
        }
    }

    #[test]
    fn whitened_samples_are_uncorrelated_with_variance_one() {
        let (len, samples) = (6, 500);
        let (values, mix) = (random(len * samples), random(len * len));
        let samples: Vec<Vec<f32>> = values
            .chunks_exact(len)
            .map(|x| mix.chunks_exact(len).map(|row| dot(row, x) as f32).collect())
            .collect();
        let mut products = Products::new(len);
        samples.iter().for_each(|x| products.add(x));
        let matrix = products.whitening(0.0);
        let mut whitened = Products::new(len);
        for x in &samples {
            let row = |i: usize| matrix[i * len..][..len].iter().zip(x).map(|(w, x)| w * x).sum();
            whitened.add(&(0..len).map(row).collect::<Vec<f32>>());
        }
        whitened.flush();
        for i in 0..len {
            for j in i..len {
                let covariance = whitened.sums[i * len + j] / 500.0;
                assert!((covariance - f64::from(u8::from(i == j))).abs() < 1e-4, "{i}, {j}: {covariance}");
            }
        }
    }

    #[test]
    fn directions_without_variance_are_left_out() {
        let mut products = Products::new(3);
        for k in 0..9 {
            let x = (k * 5 % 7) as f32;
            products.add(&[x, x, 0.0]);
        }
        let matrix = products.whitening(1e-6);
        let half = matrix[0];
        assert!(half.is_finite() && half > 0.0);
        for (w, want) in matrix.iter().zip([half, half, 0.0, half, half, 0.0, 0.0, 0.0, 0.0]) {
            assert!((w - want).abs() < 1e-5 * half, "{matrix:?}");
        }
    }
}
