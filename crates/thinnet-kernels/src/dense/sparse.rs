//! Products with an operand that has many zeros, as images, ReLU and dropout leave it: what is zero is not multiplied.
//!
//! Sums are added up in the order of the tiles, so that they are the same to the bit (where all numbers are finite; a zero
//! may have another sign).

use super::across::store_transposed;
use crate::isa::{Arithmetic, Vector};
use crate::panels::DEPTH;
use crate::tile::{COLUMNS, Growing, Left, Onto, Panels, Rows, Transposed, groups, store};

/// Rows of the result whose sums are kept at a time.
const ROWS: usize = 64;
/// Panels of the other operand at a time: their sums fill half of the registers.
const PANELS: usize = 4;
/// Columns of those.
const WIDTH: usize = PANELS * COLUMNS;
/// Depths at a time, a bit each: so many rows of the panels take half of the first-level cache.
const DEPTHS: usize = 64;
/// The fewest rows of a part of dy but the last.
const PART: usize = 16;
/// The most blocks that lie between two multiples of [`DEPTH`]: of such parts, two that reach beyond them, and the last one.
const BLOCKS: usize = DEPTH / PART + 3;

/// The share of an operand's numbers that are not zero, of some that are looked at.
#[inline(always)]
pub(super) fn kept(operand: &[f32]) -> f32 {
    const RUN: usize = 32;
    // An odd distance: columns of images are zero from row to row.
    let runs = operand.chunks_exact(RUN).step_by((operand.len() / (RUN * RUN)) | 1);
    let all = runs.len() * RUN;
    let kept: u32 = runs.map(|run| run.iter().map(|&x| u32::from(x != 0.0)).sum::<u32>()).sum();
    if all == 0 { 1.0 } else { kept as f32 / all as f32 }
}

/// Whether products with so many columns of the other operand take less time than tiles. Each number that is kept costs one
/// with every panel. Where there are few of them, or each is one register, it waits for the one before.
#[inline(always)]
pub(super) fn pays<A: Arithmetic>(kept: f32, width: usize) -> bool {
    kept * (A::TILE[1] as f32) < 0.45 && width > 2 * COLUMNS
}

/// The same for gradients without the zeros of dy, whose sums must be transposed.
#[inline(always)]
pub(super) fn pays_by_dy<A: Arithmetic>(kept: f32, inputs: usize, dy: &[&[f32]], units: usize) -> bool {
    pays::<A>(kept * 1.1, inputs) && dy.iter().rev().skip(1).all(|part| part.len() >= PART * units)
}

/// The other operand: parts of a matrix, one below the other.
#[derive(Clone, Copy)]
struct Stacked<'a> {
    parts: &'a [&'a [f32]],
    /// From row to row.
    stride: usize,
}

impl<'a> Stacked<'a> {
    /// Some panels of some rows, in place or copied, and how far apart their rows are.
    #[inline(always)]
    fn panels<A: Arithmetic>(
        self,
        mut first: usize,
        depth: usize,
        (column, width): (usize, usize),
        copied: &'a mut [[f32; WIDTH]; DEPTHS],
    ) -> (&'a [f32], usize) {
        let (mut part, mut rest) = self.parts.split_first().expect("rows of the other operand");
        while first >= part.len() / self.stride {
            first -= part.len() / self.stride;
            (part, rest) = rest.split_first().expect("as many rows as the operand with zeros is deep");
        }
        let here = &part[first * self.stride + column..];
        if Panels::new(here, COLUMNS, self.stride).reach(width.div_ceil(COLUMNS), depth) {
            return (here, self.stride);
        }
        let mut to = &mut copied[..depth];
        loop {
            let (rows, later) = to.split_at_mut(to.len().min(part.len() / self.stride - first));
            for (to, row) in rows.iter_mut().zip(part[first * self.stride..].chunks(self.stride)) {
                let (whole, end) = row[column..][..width].as_chunks::<COLUMNS>();
                let (panels, rest) = to.as_chunks_mut::<COLUMNS>().0.split_at_mut(whole.len());
                for (to, from) in panels.iter_mut().zip(whole) {
                    A::Panel::load(from).store(to);
                }
                if let ([to, ..], true) = (rest, !end.is_empty()) {
                    A::Panel::load_part(end).store(to);
                }
            }
            if later.is_empty() {
                return (copied.as_flattened(), WIDTH);
            }
            to = later;
            (part, rest) = rest.split_first().expect("as many rows as the operand with zeros is deep");
            first = 0;
        }
    }
}

/// y = x·weights + bias, without the zeros of x.
#[inline(always)]
pub(super) fn forward<A: Arithmetic>(
    x: &[f32],
    inputs: usize,
    weights: &[f32],
    units: usize,
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let shape = [y.len() / units, units];
    let right = Stacked { parts: &[weights], stride: units };
    products::<A, _>(
        shape,
        [(x, inputs)].into_iter(),
        Rows(inputs),
        right,
        |again, [row, column], sums, width| {
            let onto = match bias {
                _ if again => Onto::Itself,
                Some(bias) => Onto::Row(&bias[column..]),
                None => Onto::Nothing,
            };
            put::<A>(sums, onto, &mut y[row * units + column..], units, width);
        },
    );
}

/// gradient = xᵀ·dy, or gradient += xᵀ·dy, without the zeros of x.
#[inline(always)]
pub(super) fn gradient_by_x<A: Arithmetic>(
    x: &[f32],
    inputs: usize,
    dy: &[&[f32]],
    units: usize,
    accumulate: bool,
    gradient: &mut [f32],
) {
    let left = [(x, x.len() / inputs)];
    let right = Stacked { parts: dy, stride: units };
    products::<A, _>(
        [inputs, units],
        left.into_iter(),
        Transposed(inputs),
        right,
        |again, [row, column], sums, width| {
            let onto = if accumulate || again { Onto::Itself } else { Onto::Nothing };
            put::<A>(sums, onto, &mut gradient[row * units + column..], units, width);
        },
    );
}

/// The same without the zeros of dy: the products of dyᵀ·x.
#[inline(always)]
pub(super) fn gradient_by_dy<A: Arithmetic>(
    x: &[f32],
    inputs: usize,
    dy: &[&[f32]],
    units: usize,
    accumulate: bool,
    gradient: &mut [f32],
) {
    let left = dy.iter().map(|dy| (*dy, dy.len() / units));
    let right = Stacked { parts: &[x], stride: inputs };
    products::<A, _>(
        [units, inputs],
        left,
        Transposed(units),
        right,
        |again, [unit, column], sums, width| {
            let gradient = &mut gradient[column * units + unit..];
            store_transposed::<A::Vector, WIDTH>(sums, accumulate || again, gradient, units, width);
        },
    );
}

/// Stores the first `width` columns of sums in rows that are `stride` apart.
#[inline(always)]
fn put<A: Arithmetic>(sums: &[[f32; WIDTH]], onto: Onto, y: &mut [f32], stride: usize, width: usize) {
    for (row, sums) in sums.iter().enumerate() {
        let y = &mut y[row * stride..][..width];
        for (panel, y) in y.chunks_mut(COLUMNS).enumerate() {
            let (column, width) = (panel * COLUMNS, y.len());
            let onto = match onto {
                Onto::Row(row) => Onto::Row(&row[column..]),
                all => all,
            };
            store::<A, 1, 1>([[A::Panel::load(&sums[column..])]], onto, y, width, width);
        }
    }
}

/// How the operand with zeros lies in memory.
trait Marked: Growing {
    /// For each row, which of its first `depth` numbers, [`DEPTHS`] at most, are not zero.
    fn mark<A: Arithmetic>(self, numbers: &[f32], depth: usize, marks: &mut [u64]);
}

impl Marked for Rows {
    #[inline(always)]
    fn mark<A: Arithmetic>(self, numbers: &[f32], depth: usize, marks: &mut [u64]) {
        for (row, marks) in marks.iter_mut().enumerate() {
            *marks = 0;
            for (part, numbers) in numbers[self.row(row)..][..depth].chunks(COLUMNS).enumerate() {
                let zeros = A::Panel::load_part(numbers).equals(A::Panel::splat(0.0)).signs();
                *marks |= u64::from(!zeros & 0xffff) << (part * COLUMNS);
            }
        }
    }
}

impl Marked for Transposed {
    #[inline(always)]
    fn mark<A: Arithmetic>(self, numbers: &[f32], depth: usize, marks: &mut [u64]) {
        for (part, marks) in marks.chunks_mut(COLUMNS).enumerate() {
            marks.fill(0);
            for first in (0..depth).step_by(32) {
                let mut all = A::Panel::splat(0.0);
                for bit in 0..(depth - first).min(32) {
                    let numbers = &numbers[self.depth(first + bit) + part * COLUMNS..];
                    // Numbers of the next row are read, where there are any; nobody looks at their marks.
                    let numbers = match numbers.get(..COLUMNS) {
                        Some(numbers) => A::Panel::load(numbers),
                        None => A::Panel::load_part(&numbers[..marks.len()]),
                    };
                    let zeros = numbers.equals(A::Panel::splat(0.0));
                    all = all.or(A::Panel::splat(f32::from_bits(1 << bit)).without(zeros));
                }
                let mut columns = [0.0; COLUMNS];
                all.store(&mut columns);
                for (marks, column) in marks.iter_mut().zip(columns) {
                    *marks |= u64::from(column.to_bits()) << first;
                }
            }
        }
    }
}

/// Some depths of the operand with zeros.
#[derive(Clone, Copy, Default)]
struct Block<'a> {
    numbers: &'a [f32],
    first: usize,
    depth: usize,
}

/// Cuts parts of the operand with zeros, and how deep they are, into blocks that end where [`DEPTH`] does.
#[inline(always)]
fn blocks<'a>(
    mut parts: impl Iterator<Item = (&'a [f32], usize)> + Clone,
    left: impl Left,
) -> impl Iterator<Item = Block<'a>> + Clone {
    let (mut part, mut start, mut rest, mut first) = (&[][..], 0, 0, 0);
    std::iter::from_fn(move || {
        while rest == 0 {
            (part, rest) = parts.next()?;
            start = 0;
        }
        let depth = rest.min(DEPTHS).min(DEPTH - first % DEPTH);
        let block = Block { numbers: &part[left.depth(start)..], first, depth };
        (start, rest, first) = (start + depth, rest - depth, first + depth);
        Some(block)
    })
}

/// Gives the sums of the products of rows of the left operand, of which some parts are so deep, with columns of the right one:
/// whether they come on top of earlier ones, their first row and column, the sums of some rows, and how many columns.
#[inline(always)]
fn products<'a, A: Arithmetic, L: Marked>(
    [rows, width]: [usize; 2],
    parts: impl Iterator<Item = (&'a [f32], usize)> + Clone,
    left: L,
    right: Stacked,
    mut give: impl FnMut(bool, [usize; 2], &[[f32; WIDTH]], usize),
) {
    let all = parts.clone().map(|(_, depth)| depth).sum();
    let mut sums = [[0.0; WIDTH]; ROWS];
    let mut marks = [[0; ROWS]; BLOCKS];
    let mut copied = [[0.0; WIDTH]; DEPTHS];
    for first in (0..rows).step_by(ROWS) {
        let count = (rows - first).min(ROWS);
        let sums = &mut sums[..count];
        let (mut group, mut filled) = ([Block::default(); BLOCKS], 0);
        for mut block in blocks(parts.clone(), left) {
            block.numbers = &block.numbers[left.row(first)..];
            left.mark::<A>(block.numbers, block.depth, &mut marks[filled][..count]);
            group[filled] = block;
            filled += 1;
            let done = block.first + block.depth;
            if done % DEPTH != 0 && done != all {
                continue;
            }
            for (panel, panels) in groups(width.div_ceil(COLUMNS), PANELS) {
                let column = panel * COLUMNS;
                let width = (width - column).min(panels * COLUMNS);
                for (place, (block, marks)) in group[..filled].iter().zip(&marks).enumerate() {
                    let columns = right.panels::<A>(block.first, block.depth, (column, width), &mut copied);
                    let (marks, fresh) = (&marks[..count], place == 0);
                    match panels {
                        1 => add::<A, L, 1>(left, block, marks, columns, fresh, sums),
                        2 => add::<A, L, 2>(left, block, marks, columns, fresh, sums),
                        3 => add::<A, L, 3>(left, block, marks, columns, fresh, sums),
                        _ => add::<A, L, 4>(left, block, marks, columns, fresh, sums),
                    }
                }
                give(done > DEPTH, [first, column], sums, width);
            }
            filled = 0;
        }
    }
}

/// Adds the products of the marked numbers of each row to its sums, or to nothing where they are `fresh`.
#[inline(always)]
fn add<A: Arithmetic, L: Growing, const PANELS: usize>(
    left: L,
    &Block { numbers, depth, .. }: &Block,
    marks: &[u64],
    (columns, stride): (&[f32], usize),
    fresh: bool,
    sums: &mut [[f32; WIDTH]],
) {
    assert!(left.place(marks.len() - 1, depth - 1) < numbers.len(), "the operand with zeros");
    assert!(Panels::new(columns, COLUMNS, stride).reach(PANELS, depth), "panels of the other operand");
    for (row, (&marks, sums)) in marks.iter().zip(sums).enumerate() {
        let mut totals = [A::Panel::splat(0.0); PANELS];
        if !fresh {
            for (panel, total) in totals.iter_mut().enumerate() {
                *total = A::Panel::load(&sums[panel * COLUMNS..]);
            }
        }
        let numbers = &numbers[left.row(row)..];
        let mut rest = marks;
        while rest != 0 {
            let depth = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            // SAFETY: a mark is below `depth`, whose last place lies within both operands.
            unsafe {
                let number = A::Panel::splat(*numbers.get_unchecked(left.depth(depth)));
                let columns = columns.as_ptr().add(depth * stride);
                for (panel, total) in totals.iter_mut().enumerate() {
                    *total = number.mul_add(A::Panel::load_from(columns.add(panel * COLUMNS)), *total);
                }
            }
        }
        for (panel, total) in totals.into_iter().enumerate() {
            total.store(&mut sums[panel * COLUMNS..]);
        }
    }
}
