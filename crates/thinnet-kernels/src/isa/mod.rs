//! Which instruction set the kernels use, chosen once at run time.

mod vector;

use std::fmt;
use std::sync::OnceLock;

pub(crate) use vector::{LANES, Vector};

/// A set of kernels. Results are the same to the bit on one set, whatever the machine; two sets differ in rounding,
/// since only one of them has fused multiply-add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain Rust without fused multiply-add: the same bits on every machine.
    Portable,
    /// 256-bit vectors with fused multiply-add (x86-64-v3).
    Avx2,
}

impl Isa {
    /// Every name that `THINNET_KERNELS` may have.
    pub const NAMES: [&str; 2] = ["portable", "avx2"];

    fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Self::Avx2;
        }
        Self::Portable
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
        })
    }
}

static CURRENT: OnceLock<Isa> = OnceLock::new();

/// The kernels in use: the best that the processor has, or those that the environment variable `THINNET_KERNELS` names.
#[inline]
pub fn current() -> Isa {
    *CURRENT.get_or_init(|| match std::env::var("THINNET_KERNELS") {
        Ok(name) if name == "portable" => Isa::Portable,
        _ => Isa::detect(),
    })
}

/// What is wrong with the environment variable `THINNET_KERNELS`, if anything: an unknown name, or kernels that this
/// processor cannot run. Programs call it at their start; [`current`] alone falls back to what the processor has.
pub fn check_environment() -> Result<(), String> {
    let Ok(name) = std::env::var("THINNET_KERNELS") else { return Ok(()) };
    match name.as_str() {
        "portable" => Ok(()),
        "avx2" if Isa::detect() == Isa::Avx2 => Ok(()),
        "avx2" => Err("THINNET_KERNELS=avx2: this processor has no AVX2 with FMA; use portable".into()),
        other => Err(format!("THINNET_KERNELS={other}: expected one of {}", Isa::NAMES.join(", "))),
    }
}

/// Multiplication and addition as an instruction set does them. Kernels are written once, generic over it.
pub(crate) trait Arithmetic: Copy {
    /// Eight numbers at once, for kernels whose loops the compiler does not vectorize by itself.
    type Vector: Vector;

    /// a·b + c
    fn mul_add(a: f32, b: f32, c: f32) -> f32;
}

/// Two roundings, as everywhere.
#[derive(Clone, Copy)]
pub(crate) struct Separate;

/// One rounding. Only for functions compiled with FMA: elsewhere it is a slow library call.
#[derive(Clone, Copy)]
pub(crate) struct Fused;

impl Arithmetic for Separate {
    type Vector = vector::Plain;

    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

impl Arithmetic for Fused {
    #[cfg(target_arch = "x86_64")]
    type Vector = vector::Avx2;
    #[cfg(not(target_arch = "x86_64"))]
    type Vector = vector::Plain;

    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

/// Makes a public kernel of a generic body: the body compiled once for each instruction set, the set chosen at run time.
///
/// ```text
/// #[inline(always)]
/// fn axpy_body<A: Arithmetic>(a: f32, x: &[f32], y: &mut [f32]) { ... }
/// dispatch! {
///     /// y += a·x
///     pub fn axpy(a: f32, x: &[f32], y: &mut [f32]) = axpy_body
/// }
/// ```
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "a kernel takes its operands as plain slices and sizes")]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            if $crate::isa::current() == $crate::isa::Isa::Avx2 {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments, reason = "as the function around it")]
                fn vectors($($arg: $ty),*) $(-> $ret)? {
                    $body::<$crate::isa::Fused>($($arg),*)
                }
                // SAFETY: the current set is AVX2 only where the processor was found to have AVX2 and FMA.
                return unsafe { vectors($($arg),*) };
            }
            $body::<$crate::isa::Separate>($($arg),*)
        }
    };
}
pub(crate) use dispatch;
