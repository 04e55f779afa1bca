//! How often something took how long.
use creche_sys as sys;
use std::time::Duration;

/// How often something took how long.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Histogram {
    /// How often it happened.
    pub count: u64,
    /// How long all of them took.
    pub sum: Duration,
    /// How long the longest took.
    pub max: Duration,
    /// Number i counts times from 2^i up to 2^(i+1) nanoseconds, the first one zero too, the last one
    /// all that are longer.
    pub buckets: [u64; 40],
}

impl From<sys::creche_histogram> for Histogram {
    fn from(h: sys::creche_histogram) -> Histogram {
        Histogram {
            count: h.count,
            sum: Duration::from_nanos(h.sum),
            max: Duration::from_nanos(h.max),
            buckets: h.buckets,
        }
    }
}
