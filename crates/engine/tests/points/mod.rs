//! Point neurons that several tests use.
#![allow(dead_code, reason = "none of them needs all")]

use engine::point::{Lif, Qif};

/// 20 ms.
pub const LIF: Lif = Lif {
    capacitance: 200.0,
    g_leak: 10.0,
    e_leak: -70.0,
    threshold: -50.0,
    reset: -65.0,
    refractory: 2.0,
    drawn: 20.0,
};
/// 20 ms at rest.
pub const QIF: Qif =
    Qif { capacitance: 100.0, g_leak: 5.0, rest: -70.0, threshold: -50.0, peak: 30.0, reset: -75.0, refractory: 1.0 };
