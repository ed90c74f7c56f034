//! What a recorded quantity is called: above its figure, at its axis, and in a sentence for who has not seen it before.

use crate::recording::{Probe, Role};
use model::catalogue::IONS;

/// The words of a quantity.
pub struct Words {
    /// Above the figure.
    pub title: String,
    /// At the axis, without its unit.
    pub axis: String,
    /// What it is; a sentence or none.
    pub sentence: &'static str,
}

fn words(title: impl Into<String>, axis: impl Into<String>, sentence: &'static str) -> Words {
    Words { title: title.into(), axis: axis.into(), sentence }
}

/// With its first letter large.
pub fn large(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

/// A receptor's name as its users write it.
pub fn receptor(name: &str) -> String {
    match name {
        "ampa" | "nmda" | "gaba" => name.to_uppercase(),
        "gaba_a" => "GABA-A".into(),
        "gaba_b" => "GABA-B".into(),
        _ => name.to_owned(),
    }
}

pub fn last_part(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Of a probe, by its path.
pub fn of(p: &Probe) -> Words {
    let path = p.path.as_str();
    let parts: Vec<&str> = path.split('.').collect();
    match parts[..] {
        [_, "terminal", "voltage"] => words(
            "Action potential in the terminal",
            "voltage",
            "The voltage of the terminal's membrane, which opens its calcium channels.",
        ),
        [_, "terminal", "calcium_current"] => words(
            "Calcium current into the terminal",
            "current",
            "Through the calcium channels of the active zone; inward is down. It flows mostly while the action potential \
             falls, when open channels meet a growing driving force.",
        ),
        [_, "terminal", "sensor_calcium"] => words(
            "Calcium at the release sensors",
            "free calcium",
            "Mean over the docked vesicles. Near open channels it rises steeply, and falls as soon as they shut.",
        ),
        [_, "terminal", "calcium"] => words(
            "Calcium in the volume of the terminal",
            "free calcium",
            "Far from the channels: what an indicator of the whole bouton would see.",
        ),
        [_, "terminal", "open_channels"] => words("Open calcium channels", "channels", "At the active zone."),
        [_, "terminal", "docked"] => words("Docked vesicles", "vesicles", "Vesicles that could fuse."),
        [_, "terminal", "released"] => words(
            "Vesicles released",
            "vesicles",
            "Fusions since the beginning of the trial; the mean is what the average trial has released by then.",
        ),
        [_, "terminal", "capacitance"] => words(
            "Membrane added to the terminal",
            "capacitance",
            "Of vesicles that have fused and are not yet taken back.",
        ),
        [_, "terminal", "content"] => {
            words("What a docked vesicle holds", "molecules in a vesicle", "Mean over the docked vesicles.")
        }
        [_, "terminal", "cytosol"] => words("Transmitter in the cytosol", "transmitter", "From which vesicles fill."),
        [_, "terminal", "precursor"] => {
            words("Precursor in the terminal", "precursor", "What transmitter is made of there.")
        }
        [_, "terminal", "precursor_outside"] => words(
            "Precursor in the space outside",
            "precursor outside",
            "Left by the enzyme, and what comes from far; the terminal takes it up again.",
        ),
        [_, "cleft", transmitter] => words(
            format!("{} in the cleft", large(transmitter)),
            transmitter,
            "Free transmitter in front of the receptors. It leaves the cleft by diffusion; the slow tail is what \
             receptors and transporters let go.",
        ),
        [_, "receptor", r, "open"] => {
            let name = receptor(r);
            words(format!("Open {name} receptors"), format!("open {name} receptors"), "How many channels are open.")
        }
        [_, "receptor", r, "current"] => words(
            format!("Current through {} receptors", receptor(r)),
            "current",
            "At the synapse, before the cell filters it; inward is down.",
        ),
        [_, "receptor", r, "spread"] => words(
            format!("Area of open {} receptors", receptor(r)),
            "area",
            "Of the disc around the release site that holds two thirds of the channels that are open.",
        ),
        [_, "receptor", r, "conductance"] => {
            words(format!("Conductance of {} receptors", receptor(r)), "conductance", "")
        }
        [_, "receptor", r, state] => {
            words(format!("{} receptors in state {state}", receptor(r)), format!("receptors in {state}"), "")
        }
        [name, "junction", "current"] => words(
            format!("Current through the gap junctions of {name}"),
            "current",
            "From the cell of `from` to that of `to`, where it is positive; both see the same.",
        ),
        [name, "junction", "conductance"] => words(
            format!("Conductance of the gap junctions of {name}"),
            "conductance",
            "Of a pair of cells: the current over the voltage across.",
        ),
        [name, "junction", "strength"] => words(
            format!("Strength of the gap junctions of {name}"),
            "strength",
            "What modulation has made of their conductance: 1 where nothing has changed it.",
        ),
        [name, "g"] => words(format!("Conductance of {name}"), "conductance", "Of all its synapses together."),
        [_, "current"] => words(
            "Synaptic current at the synapse",
            "current",
            "Through all receptors, before the cell filters it; inward is down.",
        ),
        [cell, "rate"] if p.unit == "/s" => words(
            format!("Firing rate of {cell}"),
            "rate",
            "Action potentials a cell and second, counted from sample to sample.",
        ),
        ["drug", name, "bath"] => words(
            format!("{name} at the preparation"),
            "concentration",
            "In the levels in which the exchange of the bath is computed.",
        ),
        ["clamp", name, "current"] => words(
            format!("Current at {}", pipette(name)),
            "current",
            "As the amplifier reports it: filtered by the cable, the series resistance and the filter; inward is down.",
        ),
        ["clamp", name, "voltage"] => words(format!("Voltage at {}", pipette(name)), "voltage", ""),
        [.., ion] if p.unit == "mM" && IONS.contains(&ion) => {
            let place = path.rsplit_once('.').map_or("", |(place, _)| place);
            let name = if ion == "ca" { "Calcium" } else { ion };
            words(format!("{name} in {place}"), "concentration", "Free, in its pool inside the cell.")
        }
        [cell, .., name, "current"] if p.role == Role::Current => {
            words(format!("Current of {name} in {cell}"), "current", "Of the compartment; inward is down.")
        }
        [cell, .., name, "open"] if p.role == Role::Receptor && p.unit.is_empty() => {
            words(format!("Open channels {name} in {cell}"), "share", "Of those of the compartment.")
        }
        [.., "v_m"] => {
            let place = path.rsplit_once('.').map_or("", |(place, _)| place);
            words(format!("Voltage of {place}"), "membrane voltage", "")
        }
        _ => {
            let title = match p.role {
                Role::Calcium => "Calcium in the terminal",
                Role::Release => "Release",
                Role::Cleft => "Transmitter in the cleft",
                Role::Receptor => "Receptors",
                Role::Current => "Current",
                Role::Voltage => "Voltage",
                Role::Bath => "Drug in the bath",
                Role::Other => "Recording",
            };
            let short = if path.chars().count() > 26 { last_part(path) } else { path };
            words(title, short, if p.role == Role::Current { "Inward is down." } else { "" })
        }
    }
}

/// The name of a measure, customary ones as they are spoken: `epsp_soma` is EPSP soma.
pub fn measure(name: &str) -> String {
    let (first, rest) = name.split_once('_').unwrap_or((name, ""));
    match first {
        "epsc" | "ipsc" | "epsp" | "ipsp" | "ampa" | "nmda" => {
            format!("{} {}", first.to_uppercase(), rest.replace('_', " ")).trim_end().to_owned()
        }
        _ => name.to_owned(),
    }
}

/// A pipette by its name.
fn pipette(name: &str) -> String {
    if name.contains("pipette") { format!("the {name}") } else { format!("the pipette {name}") }
}
