//! The products of a tile at one depth, in the assembly of AVX2.
//!
//! A tile of six rows has twelve fused multiply-adds and eight loads at each depth, and a core begins six operations a cycle;
//! where another program runs on its other thread, three. The compiler spends seven more: it computes each row's
//! address from the last one's, to save registers. Given several depths at once, it takes their loads together and runs
//! out of registers.

use std::arch::asm;

use super::Fused;
use crate::tile::{Left, Sums};

/// Adds the products of some rows: for each its number, its two registers of sums, its address and a register for its number
/// at this depth, one of two that take turns.
macro_rules! add {
    ($sums:ident, $rows:ident, $place:ident, $columns:ident;
     $($index:literal $low:ident $high:ident $row:ident $number:literal),*) => {
        // SAFETY: the processor has AVX2 and FMA, as the caller promised, and the memory that is read may be.
        unsafe {
            asm!(
                "vmovups {left}, [{columns} + {column}]",
                "vmovups {right}, [{columns} + {column} + 32]",
                $(
                    concat!("vbroadcastss {", $number, "}, dword ptr [{", stringify!($row), "} + 4*{place} + {number}]"),
                    concat!("vfmadd231ps {", stringify!($low), "}, {", $number, "}, {left}"),
                    concat!("vfmadd231ps {", stringify!($high), "}, {", $number, "}, {right}"),
                )*
                // Every operand must be named, and a tile of one row has no odd one.
                "/* {odd} */",
                $(
                    $low = inout(ymm_reg) $sums[$index][0].0[0].0,
                    $high = inout(ymm_reg) $sums[$index][0].0[1].0,
                    $row = in(reg) $rows[$index],
                )*
                place = in(reg) $place,
                columns = in(reg) $columns,
                number = const if L::SIDE_BY_SIDE { 4 * LATER } else { 0 },
                column = const if DENSE { 64 * LATER } else { 0 },
                left = out(ymm_reg) _,
                right = out(ymm_reg) _,
                even = out(ymm_reg) _,
                odd = out(ymm_reg) _,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
    };
}

/// See [`Arithmetic::add_products`](super::Arithmetic::add_products), for tiles of one panel.
///
/// # Safety
/// As there, on a processor with AVX2 and FMA.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn add_products<
    L: Left,
    const ROWS: usize,
    const PANELS: usize,
    const LATER: usize,
    const DENSE: bool,
>(
    mut sums: Sums<Fused, ROWS, PANELS>,
    rows: [*const f32; ROWS],
    place: usize,
    columns: *const f32,
) -> Sums<Fused, ROWS, PANELS> {
    match ROWS {
        1 => add!(sums, rows, place, columns; 0 l0 h0 r0 "even"),
        2 => add!(sums, rows, place, columns; 0 l0 h0 r0 "even", 1 l1 h1 r1 "odd"),
        3 => add!(sums, rows, place, columns; 0 l0 h0 r0 "even", 1 l1 h1 r1 "odd", 2 l2 h2 r2 "even"),
        4 => add!(sums, rows, place, columns;
            0 l0 h0 r0 "even", 1 l1 h1 r1 "odd", 2 l2 h2 r2 "even", 3 l3 h3 r3 "odd"),
        5 => add!(sums, rows, place, columns;
            0 l0 h0 r0 "even", 1 l1 h1 r1 "odd", 2 l2 h2 r2 "even", 3 l3 h3 r3 "odd", 4 l4 h4 r4 "even"),
        6 => add!(sums, rows, place, columns;
            0 l0 h0 r0 "even", 1 l1 h1 r1 "odd", 2 l2 h2 r2 "even", 3 l3 h3 r3 "odd", 4 l4 h4 r4 "even", 5 l5 h5 r5 "odd"),
        _ => unreachable!("{ROWS} rows of a tile"),
    }
    sums
}
