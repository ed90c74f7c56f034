//! The elementary functions over columns of any length. Cost per value: `cargo run --release --example bench_math`.

use crate::simd::{Kernel, LANES, Lanes, Level};

/// For each function a kernel that maps it, and its entry.
macro_rules! maps {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If the lengths differ or the machine lacks `level`.
        pub fn $name(level: Level, from: &[f64], to: &mut [f64]) {
            struct Map<'a>(&'a [f64], &'a mut [f64]);
            impl Kernel for Map<'_> {
                type Output = ();
                #[inline(always)]
                fn run<L: Lanes>(self) {
                    let (from, from_tail) = self.0.as_chunks::<LANES>();
                    let (to, to_tail) = self.1.as_chunks_mut::<LANES>();
                    for (x, y) in from.iter().zip(to) {
                        super::lanes::$name(L::load_slice(x)).store_slice(y);
                    }
                    if !from_tail.is_empty() {
                        let mut last = [1.0; LANES];
                        last[..from_tail.len()].copy_from_slice(from_tail);
                        let last = super::lanes::$name(L::from_array(last)).to_array();
                        to_tail.copy_from_slice(&last[..to_tail.len()]);
                    }
                }
            }
            assert_eq!(from.len(), to.len(), "a column and its image have one length");
            level.dispatch(Map(from, to));
        }
    )*};
}

maps! {
    /// `to[i] = exp(from[i])`; see [`exp`](super::exp()).
    exp;
    /// `to[i] = ln(from[i])`; see [`ln`](super::ln()).
    ln;
    /// `to[i] = expm1(from[i])`; see [`expm1`](super::expm1()).
    expm1;
    /// `to[i] = exprelr(from[i])`; see [`exprelr`](super::exprelr()).
    exprelr;
    /// `to[i] = normal_quantile(from[i])`; see [`normal_quantile`](super::normal_quantile()).
    normal_quantile;
}
