//! `SpatialDropout1D`: dropout of whole channels of sequences.

super::spatial_dropout::spatial_dropout! {
    /// Dropout of whole channels of sequences of shape (steps, channels): in training, each (sample, channel) has one
    /// draw, which drops the channel at all places or scales it by 1/(1 − `rate`); in inference nothing happens. The
    /// same as [`Dropout`](super::Dropout) with a `noise_shape` of 1 along the time steps.
    ///
    /// Tompson, Goroshin, Jain, LeCun & Bregler 2015, "Efficient object localization using convolutional networks": where
    /// neighbouring places of a channel are alike, dropping single elements hardly removes anything.
    ///
    /// ```
    /// use thinnet::layers::{Layer, SpatialDropout1D};
    /// assert!(SpatialDropout1D::new(0.2).build(&[10, 64].into()).is_ok());
    /// ```
    SpatialDropout1D = "SpatialDropout1D", 1, "(steps, channels)"
}
