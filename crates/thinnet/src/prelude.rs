//! What most programs need: `use thinnet::prelude::*;`
//!
//! Activations (`Relu`, `Softmax` …) are here by value; the layers of the same names are in
//! [`layers`](crate::layers).

pub use crate::activations::{
    Activation, Elu, Gelu, LeakyRelu, Linear, LogSoftmax, Relu, Selu, Sigmoid, Softmax, Softplus, Swish, Tanh,
};
pub use crate::callbacks::{
    BackupAndRestore, CSVLogger, Callback, EarlyStopping, LearningRateScheduler, ModelCheckpoint,
    ReduceLROnPlateau, TerminateOnNaN, Training,
};
pub use crate::constraints::{MaxNorm, MinMaxNorm, NonNeg, UnitNorm};
pub use crate::data::augmentation::ImageDataGenerator;
pub use crate::data::{Data, Dataset, Features, Targets, to_categorical};
pub use crate::datasets;
pub use crate::layers::{
    AlphaDropout, AveragePooling1D, AveragePooling2D, BatchNormalization, ConcreteDropout, Conv1D, Conv2D,
    Cropping2D, Cutout, Dense, DepthwiseConv2D, DropBlock2D, DropConnect, Dropout, ELU, Flatten,
    GaussianDropout, GaussianNoise, GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalMaxPooling1D,
    GlobalMaxPooling2D, Input, Interpolation, Layer, LayerNormalization, LeakyReLU, MaxPooling1D,
    MaxPooling2D, MultiSampleDropout, Padding, RandomContrast, RandomFlip, RandomRotation, RandomTranslation,
    RandomZoom, ReLU, Rescaling, Reshape, Residual, SeparableConv2D, SpatialDropout1D, SpatialDropout2D,
    SpatialDropout3D, Standout, StochasticDepth, UpSampling2D, VariationalDropout, ZeroPadding2D,
};
pub use crate::losses::{
    BinaryCrossentropy, CategoricalCrossentropy, Huber, KLDivergence, MeanAbsoluteError, MeanSquaredError,
    SparseCategoricalCrossentropy,
};
pub use crate::metrics::{AUC, Accuracy, Precision, Recall};
pub use crate::model::{Fit, Sequential};
pub use crate::optimizers::{Adagrad, Adam, AdamW, Nadam, RMSprop, SGD};
pub use crate::regularizers::{L1, L1L2, L2};
pub use crate::uncertainty::Sampling;
pub use crate::{History, Shape};
