//! What vesicles are filled with: transporters as what they do at rest, pools as they start.

use super::context::{Lowering, value};
use super::terminal::POOLS;
use super::{Folded, scheme};
use crate::response;
use crate::simulation::{Clearance, Release, Sending, Supply};
use ::model::read::Read;
use ::model::resolve::Part;
use engine::cleft::Cleft;
use engine::supply::{Description, Plan, Precursor, Source};
use engine::time::Tick;

/// The grid of a supply, in which nothing is faster than tens of milliseconds.
const STEP: Tick = Tick(1_000_000_000);
/// Voltage that transporters are taken to be at, mV.
const AT: f64 = -70.0;
/// Relative deviation from Michaelis and Menten beyond which a scheme has no single affinity.
const OFF: f64 = 1e-3;

/// What of a synapse its supply must know.
pub(super) struct Around<'a> {
    pub cleft: &'a Cleft,
    pub clearance: &'a [Clearance],
    pub transmitter: &'a str,
}

/// What a transporter does at rest by Michaelis and Menten: /ms and mM. `drugs`: with those it has met.
fn carrier(part: &Part, substrate: &str, drugs: bool) -> Result<(f64, f64), String> {
    let lowered = scheme(part).map_err(|e| e.to_string())?;
    let ligands = part.scheme.as_ref().map_or(&[][..], |s| &s.ligands);
    let moving = ligands.iter().position(|l| l == substrate).ok_or_else(|| format!("it does not bind {substrate}"))?;
    let mut held = vec![0.0; ligands.len()];
    part.drugs.iter().filter(|_| drugs).for_each(|d| held[d.ligand] = d.concentration);
    let whole: Vec<usize> =
        (0..ligands.len()).filter(|i| *i != moving && part.drugs.iter().all(|d| d.ligand != *i)).collect();
    if let Some(other) = whole.first() {
        return Err(format!("it also binds {}, of which nothing is known here", ligands[*other]));
    }
    let folded = Folded::new(&lowered, Some(moving), &held, AT).map_err(|e| e.to_string())?;
    let alone =
        super::LoweredScheme { kinetics: folded.kinetics, parameters: Vec::new(), temperature: part.temperature };
    let (top, k_m) = response::turnover(&alone, 0, AT).map_err(|e| e.to_string())?;
    let low = response::uptake(&alone, 0, 0.1 * k_m, AT).map_err(|e| e.to_string())?;
    if (low * 11.0 / top - 1.0).abs() > OFF {
        return Err("its turnover does not follow Michaelis and Menten".into());
    }
    Ok((top, k_m))
}

impl Lowering<'_> {
    /// Lowers the supply of synapse `name`.
    pub fn supply(
        &mut self,
        name: &str,
        synapse: &Read,
        read: &Read,
        (sending, around): (&Sending, &Around),
    ) -> Option<Supply> {
        let path = format!("synapse.{name}.terminal.supply");
        let terminal = synapse.table("terminal")?;
        let (Release::Mechanism(m), Some(volume)) = (&sending.release, value(terminal, "volume")) else {
            let message = format!("`{path}` is of vesicles in pools, and this terminal has neither `sensor` nor pools");
            self.fault(&read.span, message, "without = [\"terminal.supply\"], or a sensor");
            return None;
        };
        let cytosol = value(read, "cytosol")?;
        let full = sending.molecules;
        let filling = self.filling(&path, read.table("filling")?, around.transmitter, (cytosol, full));
        let resident = |name: &str| around.clearance.iter().find(|c| c.name == name).map(|c| c.resident);
        let returns: Vec<usize> = read.texts("returns").iter().filter_map(|(n, _)| resident(n)).collect();
        let resting = around.cleft.concentrations(&around.cleft.start()).first().copied().unwrap_or(0.0);
        if !read.texts("returns").is_empty() && resting > 0.0 {
            let span = read.span_of("returns").unwrap_or(&read.span).clone();
            let message =
                format!("`{path}.returns` with transmitter outside at rest: what leaks out again is not known");
            self.fault(&span, message, "space.ecs without `resting`, or no `returns`");
            return None;
        }
        let precursor = match read.table("precursor") {
            Some(precursor) => Some(self.precursor(&path, precursor, synapse.table("cleft")?)?),
            None => None,
        };
        let (tau, k_m, hindered) = filling?;
        // Where all of what leaves it is gone, it stands still, and none of it comes.
        let from = read.table("precursor").and_then(|p| resident(p.text("from")?));
        let source = match precursor {
            Some(precursor) => Source::Made(precursor),
            None if read.texts("returns").is_empty() => Source::Held,
            None => Source::Returned { restored: value(read, "restored") },
        };
        let count = |f: &str| terminal.table("pools").and_then(|p| p.count(f)).map_or(0, |n| *n as u32);
        let sites = m.terminal.sites();
        let vesicles = POOLS.iter().map(|p| if *p == "docked" { sites as u32 } else { count(p) }).collect();
        let place = |pool: &str| POOLS.iter().position(|p| *p == pool).unwrap_or(0);
        let description = Description {
            vesicles,
            docked: (place("docked"), sites),
            fused: place("fused"),
            full,
            filling: tau,
            k_m,
            hindered,
            cytosol,
            volume,
            source,
            step: STEP,
        };
        match Plan::new(description) {
            Ok(plan) => Some(Supply { plan, from, returns }),
            Err(e) => {
                self.fault(&read.span, format!("`{path}` cannot be built: {e}"), "");
                None
            }
        }
    }

    /// Time constant of filling at rest (ms) and k_m (mM) without drugs; with them the share of the largest rate, and k_m.
    fn filling(
        &mut self,
        path: &str,
        placed: &Read,
        transmitter: &str,
        (cytosol, full): (f64, f64),
    ) -> Option<(f64, f64, (f64, f64))> {
        let here = format!("{path}.filling");
        let part = self.part(&here)?;
        let both = carrier(part, transmitter, false).and_then(|bare| Ok((bare, carrier(part, transmitter, true)?)));
        match both {
            Ok(((top, k_m), (left, with))) => {
                let turnover = |count: f64| count * top * cytosol / (k_m + cytosol);
                let tau = value(placed, "tau").or_else(|| placed.count("count").map(|n| full / turnover(*n as f64)))?;
                Some((tau, k_m, (left / top, with)))
            }
            Err(e) => {
                let span = placed.span_of("use").unwrap_or(&placed.span).clone();
                self.fault(&span, format!("`{here}` cannot be built: {e}"), "");
                None
            }
        }
    }

    fn precursor(&mut self, path: &str, placed: &Read, cleft: &Read) -> Option<Precursor> {
        let here = format!("{path}.precursor");
        let part = self.part(&here)?;
        let substrate = part.body.body.table("transport").and_then(|t| t.text("substrate")).unwrap_or_default();
        match carrier(part, substrate, true) {
            Ok((top, k_m)) => {
                let [radius, height, diffusion] = ["radius", "height", "diffusion"].map(|f| value(cleft, f));
                let (square, height, diffusion) = (radius? * radius?, height?, diffusion?);
                Some(Precursor {
                    outside: value(placed, "outside")?,
                    volume: value(placed, "volume").unwrap_or(std::f64::consts::PI * square * height),
                    washout: value(placed, "washout").unwrap_or(square / (8.0 * diffusion)),
                    uptake: top * *placed.count("count")? as f64 * part.active,
                    k_m,
                    synthesis: value(placed, "synthesis")?,
                    ratio: value(placed, "ratio")?,
                })
            }
            Err(e) => {
                let span = placed.span_of("use").unwrap_or(&placed.span).clone();
                self.fault(&span, format!("`{here}` cannot be built: {e}"), "");
                None
            }
        }
    }
}
