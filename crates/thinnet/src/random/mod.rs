//! Random numbers that are a pure function of where they are used.
//!
//! Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a counter-based generator. The
//! key comes from the seed and a [`Domain`], the counter from (step, sample, element / 4). No generator has hidden
//! state, so any number of threads, or a run that was stopped and resumed, draws the same numbers.

use thinnet_kernels::philox;

/// What random numbers are for. Streams of different domains are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The n-th layer of a model.
    Layer(u32),
    /// A layer that was given a seed of its own: the same masks wherever it stands.
    OwnSeed,
    /// The n-th variable's initial values.
    Initializer(u32),
    /// The order of the samples.
    Shuffle,
    /// Random changes of the samples.
    Augmentation,
    /// The candidates of a search.
    Search,
}

impl Domain {
    fn tag(self) -> [u32; 2] {
        match self {
            Self::Layer(index) => [1, index],
            Self::OwnSeed => [2, 0],
            Self::Initializer(index) => [3, index],
            Self::Shuffle => [4, 0],
            Self::Augmentation => [5, 0],
            Self::Search => [6, 0],
        }
    }
}

/// A stream of random numbers with random access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
}

impl Stream {
    /// The stream of a domain under a seed.
    pub fn new(seed: u64, domain: Domain) -> Self {
        let [kind, index] = domain.tag();
        let [a, b, _, _] = philox::block([seed as u32, (seed >> 32) as u32], [kind, index, 0, 0]);
        Self { key: [a, b] }
    }

    /// Philox's key.
    pub fn key(self) -> [u32; 2] {
        self.key
    }

    /// The last three words of the counter at (step, sample): the first counts the blocks of four elements.
    pub fn counter(step: u64, sample: usize) -> [u32; 3] {
        [sample as u32, step as u32, (step >> 32) as u32]
    }

    /// A generator that walks through the stream from (step, sample) on.
    pub fn at(self, step: u64, sample: usize) -> Draws {
        Draws { stream: self, counter: Self::counter(step, sample), block: 0, words: [0; 4], used: 4 }
    }
}

/// Draws from a [`Stream`], one after the other.
#[derive(Clone, Debug)]
pub struct Draws {
    stream: Stream,
    counter: [u32; 3],
    block: u32,
    words: [u32; 4],
    used: usize,
}

impl Draws {
    /// 32 random bits.
    pub fn word(&mut self) -> u32 {
        if self.used == 4 {
            let [a, b, c] = self.counter;
            self.words = philox::block(self.stream.key, [self.block, a, b, c]);
            self.block = self.block.checked_add(1).expect("a stream position has 2^34 draws");
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// A uniform number in [0, 1) with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        let (high, low) = (u64::from(self.word() >> 5), u64::from(self.word() >> 6));
        (high * (1 << 26) + low) as f64 / (1u64 << 53) as f64
    }

    /// A standard normal number (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A uniform integer below `bound`, without bias (Lemire 2019). `bound` must not be zero.
    pub fn below(&mut self, bound: u32) -> u32 {
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.word()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Shuffles in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}
