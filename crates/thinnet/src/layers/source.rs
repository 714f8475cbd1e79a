//! Where a layer's random numbers come from.

use thinnet_kernels::philox::Rows;

use crate::engine::Context;
use crate::random::{Domain, Draws, Stream};

/// Where a layer's draws come from: the model's stream, or its own if it was given a seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    own: Option<Stream>,
}

impl Source {
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self { own: seed.map(|seed| Stream::new(seed, Domain::OwnSeed)) }
    }

    fn stream(self, cx: &Context) -> Stream {
        self.own.unwrap_or(cx.stream)
    }

    /// Philox's key.
    pub(super) fn key(self, cx: &Context) -> [u32; 2] {
        self.stream(cx).key()
    }

    /// Calls `f` with each row, the key and the last three words of the row's counters.
    pub(super) fn rows(
        self,
        cx: &Context,
        len: usize,
        x: &mut [f32],
        f: impl Fn([u32; 2], [u32; 3], &mut [f32]),
    ) {
        let key = self.key(cx);
        for (row, x) in x.chunks_exact_mut(len).enumerate() {
            f(key, Stream::counter(cx.step, cx.place(row)), x);
        }
    }

    /// Where the random words of all rows stand.
    pub(super) fn words(self, cx: &Context, len: usize) -> Rows {
        let stride = (cx.place(1) - cx.place(0)) as u32;
        Rows { len, key: self.key(cx), rest: Stream::counter(cx.step, cx.place(0)), stride }
    }

    /// The draws of a row.
    pub(super) fn draws(self, cx: &Context, row: usize) -> Draws {
        self.stream(cx).at(cx.step, cx.place(row))
    }
}

/// The builder method of layers that draw, whose `seed: Option<u64>` is a field of their own or of their field `place`.
macro_rules! seed_method {
    ($(in $place:ident)?) => {
        /// Draws from a stream of this seed, whatever the model's seed and the layer's place. Default: the model's.
        #[must_use]
        pub fn seed(mut self, seed: u64) -> Self {
            self.$($place.)?seed = Some(seed);
            self
        }
    };
}
pub(crate) use seed_method;
