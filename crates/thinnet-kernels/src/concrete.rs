//! Concrete dropout's relaxed masks: drawn, and never stored.
//!
//! Element e of a row has u = (word + ½) / 2³² with word e % 4 of Philox block [e / 4, rest]. What is dropped of it is
//! z = σ((logit + ln u − ln(1 − u)) / t), what is kept 1 − z.

use crate::isa::dispatch;
use crate::math::{ln, sigmoid};
use crate::philox::{Groups, STEP, zip};

#[inline(always)]
fn kept_body<A: Groups>(
    key: [u32; 2],
    rest: [u32; 3],
    logit: f32,
    inverse_temperature: f32,
    out: &mut [f32],
) {
    zip::<A, f32>(key, rest, out, |out, words| {
        for (out, &word) in out.iter_mut().zip(words) {
            // From the word's complement, 1 − u is precise where u is near 1.
            let u = A::mul_add(word as f32, STEP, STEP / 2.0);
            let v = A::mul_add(!word as f32, STEP, STEP / 2.0);
            *out = sigmoid::<A>((ln::<A>(v) - ln::<A>(u) - logit) * inverse_temperature);
        }
    });
}

dispatch! {
    /// out ← 1 − z: how much of each element is kept.
    pub fn kept(key: [u32; 2], rest: [u32; 3], logit: f32, inverse_temperature: f32, out: &mut [f32]) = kept_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::testing::on_every_set;
    use crate::philox;

    #[test]
    fn elements_are_the_relaxed_bernoulli_of_their_words() {
        let (key, rest) = ([3, 1 << 31], [9, 8, 7]);
        for (logit, temperature) in [(-2.2_f32, 0.1_f32), (0.5, 2.0 / 3.0), (3.0, 1.0)] {
            for count in [1, 4, 63, 64, 65, 501] {
                on_every_set(|| {
                    let mut out = vec![0.0; count];
                    kept(key, rest, logit, 1.0 / temperature, &mut out);
                    for (e, got) in out.iter().copied().enumerate() {
                        let word = philox::block(key, [(e / 4) as u32, rest[0], rest[1], rest[2]])[e % 4];
                        let u = (f64::from(word) + 0.5) / 2f64.powi(32);
                        let exponent = (f64::from(logit) + u.ln() - (1.0 - u).ln()) / f64::from(temperature);
                        let want = 1.0 / (1.0 + exponent.exp());
                        assert!((f64::from(got) - want).abs() < 1e-5, "element {e}: {got}, expected {want}");
                    }

                    out
                });
            }
        }
    }
}
