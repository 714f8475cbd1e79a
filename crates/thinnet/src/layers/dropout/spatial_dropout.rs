//! What the layers that drop whole channels have in common.

/// A layer that drops whole channels of samples with some axes of places. In Keras, that for sequences has no `data_format`.
macro_rules! spatial_dropout {
    ($(#[$meta:meta])* $name:ident = $class:literal, $axes:literal, $shape:literal $(, $data_format:ident)?) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            #[serde(skip)]
            base: $crate::layers::Base,
            rate: $crate::schedules::Rate,
            seed: Option<u64>,
            $($data_format: $crate::layers::arguments::DataFormat,)?
        }

        impl $name {
            /// Drops a fraction `rate` of the channels, in \[0, 1\]. A number, or a schedule.
            pub fn new(rate: impl Into<$crate::schedules::Rate>) -> Self {
                Self { rate: rate.into(), ..Self::default() }
            }

            $crate::layers::seed_method!();

            $crate::layers::base_methods!();
        }

        impl $crate::layers::Layer for $name {
            $crate::layers::layer_methods!($class);

            fn build(&self, input: &$crate::Shape) -> Result<$crate::layers::Built, String> {
                if input.rank() != $axes + 1 {
                    return Err(format!(concat!("expected samples of shape ", $shape, ", got {}"), input));
                }
                // Each sample and channel has one draw, whatever the place.
                let noise_shape = [&[-1][..], &[1; $axes], &[-1]].concat();
                super::dropout::built(&self.rate, Some(&noise_shape.into()), self.seed, input)
            }
        }

        #[cfg(test)]
        mod tests {
            use super::*;
            use crate::layers::testing::{check, fails, train, training};

            /// A sample's shape with 2 places along each axis.
            fn shape(channels: usize) -> Vec<usize> {
                let mut shape = vec![2; $axes];
                shape.push(channels);
                shape
            }

            #[test]
            fn behaves_as_a_layer() {
                check(&$name::new(0.5), &[&shape(1), &shape(3)]);
                check(&$name::new(0.2).seed(7), &[&shape(2)]);
            }

            #[test]
            fn a_channel_is_dropped_or_kept_at_all_places_of_a_sample() {
                let (channels, places, samples) = (16, 1 << $axes, 64);
                let cx = crate::engine::Context { batch_size: samples, ..training(5) };
                let x = vec![1.0; channels * places * samples];
                let y = train(&$name::new(0.25), &shape(channels), &cx, &x);
                let mut kept = 0;
                for (sample, y) in y.chunks(channels * places).enumerate() {
                    let mut draws = cx.stream.at(5, sample);
                    for channel in 0..channels {
                        let expected =
                            if f64::from(draws.word()) / 2f64.powi(32) >= 0.25 { 1.0 / 0.75 } else { 0.0 };
                        kept += usize::from(expected > 0.0);
                        assert!(y.iter().skip(channel).step_by(channels).all(|&y| y == expected as f32));
                    }
                }
                // 4.9 standard deviations of the binomial distribution: false by chance once in a million.
                let deviation = kept as f64 - 0.75 * 1024.0;
                assert!(deviation.abs() < 4.9 * (1024.0_f64 * 0.75 * 0.25).sqrt(), "{kept} of 1024");
            }

            #[test]
            fn bad_input_is_explained() {
                let message = format!(concat!("expected samples of shape ", $shape, ", got {}"), "(None, 5)");
                fails(&$name::new(0.5), &[5], &message);
                let message = "rate must be in [0, 1] (the fraction that is dropped), got 1.5";
                fails(&$name::new(1.5), &shape(2), message);
            }
        }
    };
}
pub(super) use spatial_dropout;
