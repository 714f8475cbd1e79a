//! Vector kernels of Thinnet.
//!
//! All of the project's `unsafe`, but for a test's allocator, and all of its SIMD: plain functions on slices, each tested
//! against a plain scalar version. Kernels are chosen at run time ([`isa`]); the bits that they give are fixed for one
//! instruction set.

pub mod activations;
pub mod add;
pub mod affine;
pub mod buffer;
pub mod concrete;
pub mod convolution;
pub mod dense;
pub mod depthwise;
pub mod dropout;
pub mod isa;
mod math;
pub mod normal;
pub mod normalization;
pub mod optimizers;
mod panels;
pub mod peak;
pub mod philox;
pub mod pool;
pub mod pooling;
pub mod scalar;
mod tile;
pub mod winograd;
