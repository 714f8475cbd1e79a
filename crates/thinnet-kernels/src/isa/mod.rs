//! Which instruction set the kernels use, chosen once at run time.

#[cfg(target_arch = "x86_64")]
mod assembly;
#[cfg(test)]
pub(crate) mod testing;
mod vector;

use std::fmt;
use std::sync::OnceLock;

use vector::Pair;
pub(crate) use vector::{MOST_LANES, Vector, transpose};

use crate::tile::{COLUMNS, Left, Sums};

/// A set of kernels. Results are the same to the bit on one set, whatever the machine.
///
/// [`Avx2`](Self::Avx2) and [`Avx512`](Self::Avx512) give the same bits as well: both add up in the same order with fused
/// multiply-add. [`Portable`](Self::Portable) differs from them in rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust without fused multiply-add: the same bits on every machine.
    Portable,
    /// 256-bit vectors with fused multiply-add (x86-64-v3: AVX2, FMA and BMI1).
    Avx2,
    /// 512-bit vectors (x86-64-v4: AVX-512 F, BW, DQ and VL).
    Avx512,
}

impl Isa {
    /// All sets, from the slowest to the fastest.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// Every name that `THINNET_KERNELS` may have.
    pub const NAMES: [&str; 3] = ["portable", "avx2", "avx512"];

    /// Whether this processor has the set.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("bmi1")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    fn best() -> Self {
        Self::ALL.into_iter().filter(|set| set.is_available()).max().unwrap_or(Self::Portable)
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().zip(Self::NAMES).find(|&(_, other)| name == other).map(|(set, _)| set)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES[*self as usize])
    }
}

static CURRENT: OnceLock<Isa> = OnceLock::new();

/// The kernels in use: the best that the processor has, or those that the environment variable `THINNET_KERNELS` names.
#[inline]
pub fn current() -> Isa {
    #[cfg(test)]
    if let Some(set) = testing::chosen() {
        return set;
    }
    *CURRENT.get_or_init(|| {
        let named = std::env::var("THINNET_KERNELS").ok().and_then(|name| Isa::named(&name));
        named.filter(|set| set.is_available()).unwrap_or_else(Isa::best)
    })
}

/// What is wrong with the environment variable `THINNET_KERNELS`, if anything: an unknown name, or kernels that this
/// processor cannot run. Programs call it at their start; [`current`] alone falls back to what the processor has.
pub fn check_environment() -> Result<(), String> {
    let Some(name) = std::env::var_os("THINNET_KERNELS") else { return Ok(()) };
    let name = name.to_string_lossy();
    match Isa::named(&name) {
        None => Err(format!("THINNET_KERNELS={name}: expected one of {}", Isa::NAMES.join(", "))),
        Some(set) if set.is_available() => Ok(()),
        Some(_) => Err(format!("THINNET_KERNELS={name}: this processor cannot run it; use {}", Isa::best())),
    }
}

/// Multiplication and addition as an instruction set does them. Kernels are written once, generic over it.
pub(crate) trait Arithmetic: Copy {
    /// Some numbers at once, for kernels whose loops the compiler does not vectorize by itself.
    type Vector: Vector;

    /// [`COLUMNS`](crate::tile::COLUMNS) numbers at once: a row of a panel of a matrix.
    type Panel: Vector;

    /// The largest tile whose sums the registers hold, in rows and in panels. (See [`tile`](crate::tile).)
    const TILE: [usize; 2];

    /// Whether the micro-kernel does four depths in a round. Only where it is written in assembly: the compiler would take the
    /// loads of all four together and run out of registers.
    const IN_FOURS: bool = false;

    /// a·b + c
    fn mul_add(a: f32, b: f32, c: f32) -> f32;

    /// Adds the products of one depth to the sums of a tile: of the numbers at `place` from each of `rows`, and the rows of panels
    /// that begin at `columns`, `panel_step` apart. Or those of so many depths `LATER`, for a left operand whose numbers lie
    /// side by side, and where panels are `DENSE`, whose rows lie one behind the other.
    ///
    /// # Safety
    /// All of them can be read, and the processor has this set's instructions.
    #[inline(always)]
    unsafe fn add_products<
        L: Left,
        const ROWS: usize,
        const PANELS: usize,
        const LATER: usize,
        const DENSE: bool,
    >(
        mut sums: Sums<Self, ROWS, PANELS>,
        rows: [*const f32; ROWS],
        place: usize,
        columns: *const f32,
        panel_step: usize,
    ) -> Sums<Self, ROWS, PANELS> {
        let columns = std::array::from_fn::<_, PANELS, _>(|panel| {
            let later = if DENSE { LATER * COLUMNS } else { 0 };
            // SAFETY: the caller's promise.
            unsafe { Self::Panel::load_from(columns.add(panel * panel_step + later)) }
        });
        for (row, sums) in rows.into_iter().zip(&mut sums) {
            let later = if L::SIDE_BY_SIDE { LATER } else { 0 };
            // SAFETY: the caller's promise.
            let x = Self::Panel::splat(unsafe { *row.add(place + later) });
            for (sum, &column) in sums.iter_mut().zip(&columns) {
                *sum = x.mul_add(column, *sum);
            }
        }
        sums
    }
}

/// Two roundings, as everywhere; registers of four numbers.
#[derive(Clone, Copy)]
pub(crate) struct Separate;

/// One rounding, registers of eight numbers. Only for functions compiled with FMA: elsewhere it is a slow library call.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Fused;

/// One rounding, registers of sixteen numbers. Only for functions compiled with AVX-512.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct FusedWide;

impl Arithmetic for Separate {
    type Vector = vector::Plain;
    type Panel = Pair<vector::Plain>;

    /// Twelve of sixteen registers.
    const TILE: [usize; 2] = [3, 1];

    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

#[cfg(target_arch = "x86_64")]
impl Arithmetic for Fused {
    type Vector = vector::Avx2;
    type Panel = Pair<Self::Vector>;

    /// Twelve of sixteen registers.
    const TILE: [usize; 2] = [6, 1];

    const IN_FOURS: bool = true;

    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    unsafe fn add_products<
        L: Left,
        const ROWS: usize,
        const PANELS: usize,
        const LATER: usize,
        const DENSE: bool,
    >(
        sums: Sums<Self, ROWS, PANELS>,
        rows: [*const f32; ROWS],
        place: usize,
        columns: *const f32,
        _: usize,
    ) -> Sums<Self, ROWS, PANELS> {
        // SAFETY: the caller's promise.
        unsafe { assembly::add_products::<L, ROWS, PANELS, LATER, DENSE>(sums, rows, place, columns) }
    }
}

#[cfg(target_arch = "x86_64")]
impl Arithmetic for FusedWide {
    type Vector = vector::Avx512;
    type Panel = vector::Avx512;

    /// Twenty of thirty-two registers. More rows would need more addresses than there are registers for.
    const TILE: [usize; 2] = [10, 2];

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
            match $crate::isa::current() {
                $crate::isa::Isa::Avx512 => {
                    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1")]
                    #[allow(clippy::too_many_arguments, reason = "as the function around it")]
                    fn vectors($($arg: $ty),*) $(-> $ret)? {
                        $body::<$crate::isa::FusedWide>($($arg),*)
                    }
                    // SAFETY: the current set is AVX-512 only where the processor was found to have all of these.
                    return unsafe { vectors($($arg),*) };
                }
                $crate::isa::Isa::Avx2 => {
                    #[target_feature(enable = "avx2,fma,bmi1")]
                    #[allow(clippy::too_many_arguments, reason = "as the function around it")]
                    fn vectors($($arg: $ty),*) $(-> $ret)? {
                        $body::<$crate::isa::Fused>($($arg),*)
                    }
                    // SAFETY: the current set is AVX2 only where the processor was found to have all of these.
                    return unsafe { vectors($($arg),*) };
                }
                $crate::isa::Isa::Portable => {}
            }
            $body::<$crate::isa::Separate>($($arg),*)
        }
    };
}
pub(crate) use dispatch;
