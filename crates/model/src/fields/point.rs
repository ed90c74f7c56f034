//! The fields of a point neuron, in model files and neurons of the catalogue alike.

use super::Kind::{Choice, Number};
use super::Limits::{Any, Between, NotNegative, Positive};
use super::Need::{Optional, Required};
use super::{Field, Kind, Table, field};
use crate::units::Dimension as D;

/// A voltage.
const VOLTAGE: Kind = Number(D::VOLTAGE, Between(-300.0, 300.0));

const fn said(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    field(name, kind, Optional, doc)
}

/// A point neuron.
pub(super) static POINT: Table = Table {
    name: "point",
    doc: "A neuron without extent, whose spike is a reset. Each model needs its own fields. `lif`: `C V' = -leak (V - rest) + I`, a spike at `threshold`. `qif`: `C V' = leak (V - rest) (V - threshold) / (threshold - rest) + I`, a spike at `peak`. `adex`: `C V' = -leak (V - rest) + leak slope exp((V - threshold) / slope) - w + I`, `tau_w w' = adaptation (V - rest) - w`, a spike at `peak`, which adds `increment` to w. `izhikevich`: `v' = 0.04 v^2 + 5 v + 140 - u + I / capacitance`, `u' = a (b v - u)`, v in mV and t in ms, a spike at `peak`, then `v = c`, `u = u + d`.",
    fields: &[
        field(
            "model",
            Choice(&[
                ("lif", "leaky integrate-and-fire"),
                ("qif", "quadratic integrate-and-fire"),
                ("adex", "adaptive exponential integrate-and-fire"),
                ("izhikevich", "Izhikevich's two equations"),
            ]),
            Required,
            "Which.",
        ),
        said(
            "capacitance",
            Number(D::CAPACITANCE, Positive),
            "Capacitance. Of `izhikevich` what turns a current into the paper's: with 1 pF, which it is without it, 10 pA are its 10.",
        ),
        said("leak", Number(D::CONDUCTANCE, Positive), "Conductance of the leak; of `qif`, at rest."),
        said("rest", VOLTAGE, "Where the leak reverses; of `lif` and `qif` the resting potential."),
        said("threshold", VOLTAGE, "Of `lif` the voltage of a spike, of the others where the upstroke takes over."),
        said("slope", Number(D::VOLTAGE, Positive), "Of `adex`: slope factor of the upstroke."),
        said("adaptation", Number(D::CONDUCTANCE, Any), "Of `adex`: adaptation below threshold, its a."),
        said("increment", Number(D::CURRENT, Any), "Of `adex`: what a spike adds to the adaptation, its b."),
        said("tau_w", Number(D::TIME, Positive), "Of `adex`: time constant of the adaptation."),
        said("reset", VOLTAGE, "Voltage after a spike."),
        said(
            "peak",
            VOLTAGE,
            "Where a spike is cut off, and how high it is drawn; of `lif`, drawn only. Without it 20 mV of `lif` and `adex`, 30 mV of the others.",
        ),
        said(
            "refractory",
            Number(D::TIME, NotNegative),
            "How long the voltage stays at its reset; without it, not at all.",
        ),
        said("a", Number(D::NONE, Any), "Of `izhikevich`: rate of recovery, /ms."),
        said("b", Number(D::NONE, Any), "Of `izhikevich`: sensitivity of recovery to v, /ms."),
        said("c", Number(D::NONE, Between(-300.0, 300.0)), "Of `izhikevich`: v after a spike, mV."),
        said("d", Number(D::NONE, Any), "Of `izhikevich`: what a spike adds to u, mV/ms."),
    ],
};
