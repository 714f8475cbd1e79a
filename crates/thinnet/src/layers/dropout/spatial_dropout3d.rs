//! `SpatialDropout3D`: dropout of whole channels of volumes.

super::spatial_dropout::spatial_dropout! {
    /// Dropout of whole channels of volumes of shape (depth, rows, columns, channels): in training, each (sample,
    /// channel) has one draw, which drops the channel at all places or scales it by 1/(1 − `rate`); in inference
    /// nothing happens. The same as [`Dropout`](super::Dropout) with a `noise_shape` of 1 along the three axes of
    /// places.
    ///
    /// Tompson, Goroshin, Jain, LeCun & Bregler 2015, "Efficient object localization using convolutional networks": where
    /// neighbouring places of a channel are alike, dropping single elements hardly removes anything.
    ///
    /// ```
    /// use thinnet::layers::{Layer, SpatialDropout3D};
    /// assert!(SpatialDropout3D::new(0.2).build(&[4, 8, 8, 16].into()).is_ok());
    /// ```
    SpatialDropout3D = "SpatialDropout3D", 3, "(depth, rows, columns, channels)", data_format
}
