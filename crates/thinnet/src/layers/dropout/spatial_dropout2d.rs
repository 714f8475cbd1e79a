//! `SpatialDropout2D`: dropout of whole channels of maps.

super::spatial_dropout::spatial_dropout! {
    /// Dropout of whole channels of maps of shape (rows, columns, channels): in training, each (sample, channel) has
    /// one draw, which drops the channel at all places or scales it by 1/(1 − `rate`); in inference nothing happens.
    /// The same as [`Dropout`](super::Dropout) with a `noise_shape` of 1 along the rows and columns.
    ///
    /// Tompson, Goroshin, Jain, LeCun & Bregler 2015, "Efficient object localization using convolutional networks": where
    /// neighbouring places of a channel are alike, dropping single elements hardly removes anything.
    ///
    /// ```
    /// use thinnet::layers::{Layer, SpatialDropout2D};
    /// assert!(SpatialDropout2D::new(0.2).build(&[26, 26, 32].into()).is_ok());
    /// ```
    SpatialDropout2D = "SpatialDropout2D", 2, "(rows, columns, channels)", data_format
}
