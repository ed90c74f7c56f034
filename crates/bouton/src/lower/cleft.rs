//! The cleft of a synapse: geometry, pore, and everything that binds the transmitter.

use super::context::{Lowering, valence, value};
use super::fold::{Folded, with_states};
use super::{expression_value, scheme};
use crate::simulation::{Block, Clearance, Receptor, SynapsePlan};
use ::model::read::Read;
use ::model::resolve::Part;
use engine::cleft::{Amount, Cleft, Geometry, Ligand, Pore, Porous, Resident, Rim, Site, Source};
use engine::ensemble::IndividualsPlan;

/// A cleft with what is in it.
pub(super) struct LoweredCleft {
    pub cleft: Cleft,
    pub receptors: Vec<Receptor>,
    pub clearance: Vec<Clearance>,
    pub transmitter: String,
    /// Of the cleft, GOhm.
    pub resistance: f64,
    /// Radius of the disc over which "the" concentration is the mean, um.
    pub radius: f64,
}

/// The voltage that the residents of a cleft are taken to be at, mV: what little their binding depends on it is left out.
const RESIDENTS_AT: f64 = -70.0;

/// Shells of tissue around a lumped cleft: with its two rings one group of lanes.
const LUMPED_SHELLS: usize = 6;

impl Lowering<'_> {
    fn setting(&self, field: &str, otherwise: f64) -> f64 {
        let numerics = self.resolved.read.table("numerics");
        let count = numerics.and_then(|n| n.count(field)).map(|n| *n as f64);
        count.or_else(|| numerics.and_then(|n| value(n, field))).unwrap_or(otherwise)
    }

    /// Lowers the cleft of synapse `name`.
    pub fn cleft(&mut self, name: &str, synapse: &Read, cell: (&str, &Read)) -> Option<LoweredCleft> {
        let path = format!("synapse.{name}");
        let Some(read) = synapse.table("cleft") else {
            let hint = "cleft = { transmitter, height, radius, diffusion }, or a recipe: use = \"synapse/...\"";
            self.fault(&synapse.span, format!("`{path}` has no `cleft`, and cannot be run without"), hint);
            return None;
        };
        let at = format!("{path}.cleft");
        let needed = ["height", "radius", "diffusion"].map(|f| self.need(&at, read, f));
        let Some(transmitter) = read.text("transmitter").map(str::to_owned) else {
            self.fault(&read.span, format!("`{at}.transmitter` is needed to run this model"), "");
            return None;
        };
        let [Some(height), Some(radius), Some(diffusion)] = needed else { return None };
        if diffusion <= 0.0 {
            let span = read.span_of("diffusion").unwrap_or(&read.span).clone();
            self.fault(&span, format!("in `{at}` nothing would diffuse"), "diffusion = \"0.3 um2/ms\"");
            return None;
        }
        let rim = self.rim(&at, read, &transmitter, radius)?;
        let lumped = read.flag("lumped") == Some(&true);
        let shells = if lumped { 1 } else { self.setting("rings", 32.0) as usize };
        let geometry = Geometry { radius, height, diffusion, shells, grading: 0.4, rim };
        let pore = read.table("pore").map_or(Pore::Instantaneous, pore);
        let source = Source { pore, radius: 0.0 };
        let mut residents = Vec::new();
        let mut receptors = Vec::new();
        let mut watched: f64 = 0.0;
        for (key, placed) in synapse.named("receptor") {
            let here = format!("{path}.receptor.{}", key.name);
            let Some(receptor) = self.receptor(&here, &key.name, placed, cell, (&transmitter, radius)) else {
                continue;
            };
            let disc = value(placed, "radius").unwrap_or(radius);
            watched = watched.max(disc);
            let (kinetics, rates) = (receptor.folded.kinetics.clone(), receptor.folded.rates.clone());
            residents.push(Resident::new(kinetics, rates, Site::Disc(disc), Amount::Count(f64::from(receptor.count))));
            receptors.push(receptor);
        }
        let mut clearance = Vec::new();
        let mut whole = receptors.len() == synapse.named("receptor").len();
        for (key, placed) in synapse.named("clearance") {
            let here = format!("{path}.clearance.{}", key.name);
            let Some(found) = self.clearance(&here, placed, &transmitter, &geometry) else {
                whole = false;
                continue;
            };
            // Nothing is left of it: inactivated, or none to begin with.
            let Some(resident) = found else { continue };
            let states = self.part(&here).and_then(|p| p.scheme.as_ref()).map_or_else(Vec::new, |s| s.states.clone());
            clearance.push(Clearance { name: key.name.clone(), resident: residents.len(), states });
            residents.push(resident);
        }
        if !whole {
            return None;
        }
        match Cleft::new(&geometry, &source, &residents) {
            Ok(cleft) => {
                for (i, receptor) in receptors.iter_mut().enumerate() {
                    receptor.places = cleft.places(i).unwrap_or_default();
                }
                let wide = radius;
                let radius = if watched > 0.0 { watched.min(wide) } else { wide };
                let resistance = value(read, "resistivity").map_or(0.0, |rho| lateral(rho, height, (wide, radius)));
                Some(LoweredCleft { cleft, receptors, clearance, transmitter, resistance, radius })
            }
            Err(e) => {
                self.fault(&read.span, format!("the cleft of `{path}` cannot be built: {e}"), "");
                None
            }
        }
    }

    fn rim(&mut self, at: &str, read: &Read, transmitter: &str, radius: f64) -> Option<Rim> {
        let space = self.resolved.read.named("space").iter().find(|(k, _)| k.name == "ecs");
        let Some((_, space)) = space else {
            // Without tissue around it, what reaches the rim is gone.
            return Some(Rim::Absorbing);
        };
        let diffusion = self.need(at, read, "free_diffusion")?;
        let resting = space.named_numbers("resting").iter().find(|(k, _)| k.name == transmitter);
        let fluid = value(space, "volume_fraction")?;
        if fluid <= 0.0 {
            let span = space.span_of("volume_fraction").unwrap_or(&space.span).clone();
            self.fault(&span, "tissue without fluid takes nothing up".into(), "volume_fraction = 0.2, or no space.ecs");
            return None;
        }
        let neighbours = value(space, "neighbours");
        let reach = neighbours.map_or_else(|| self.setting("reach", 3.0), |distance| 0.5 * distance);
        // A default has no place; what was said counts.
        let said = self.resolved.read.table("numerics").is_some_and(|n| n.span_of("shells").is_some());
        let coarse = read.flag("lumped") == Some(&true) && !said;
        if reach <= radius {
            let (table, field) = match neighbours {
                Some(_) => (Some(space), "neighbours"),
                None => (self.resolved.read.table("numerics"), "reach"),
            };
            let span = table.and_then(|n| n.span_of(field)).unwrap_or(&read.span).clone();
            let message = format!("the tissue of `{at}` reaches to {reach} um, the cleft to {radius} um");
            let hint = if neighbours.is_some() { "neighbours farther away" } else { "a larger numerics.reach" };
            self.fault(&span, message, hint);
            return None;
        }
        Some(Rim::Porous(Porous {
            volume_fraction: fluid,
            tortuosity: value(space, "tortuosity")?,
            diffusion,
            reach,
            shells: if coarse { LUMPED_SHELLS } else { self.setting("shells", 32.0) as usize },
            resting: resting.map_or(0.0, |(_, n)| n.value()),
            closed: neighbours.is_some(),
        }))
    }

    /// Concentrations of a scheme's ligands (mM), 1 for the transmitter, and which one that is.
    fn ligands(&mut self, path: &str, part: &Part, placed: &Read, transmitter: &str) -> Option<(Vec<Ligand>, usize)> {
        let scheme = part.scheme.as_ref()?;
        let span = placed.span_of("use").unwrap_or(&placed.span).clone();
        let mut all = Vec::with_capacity(scheme.ligands.len());
        let mut moving = None;
        for (i, name) in scheme.ligands.iter().enumerate() {
            if let Some(dose) = part.drugs.iter().find(|d| d.ligand == i) {
                all.push(Ligand::Held(dose.concentration));
            } else if name == transmitter {
                moving = Some(i);
                all.push(Ligand::Transmitter);
            } else if scheme.steps.iter().all(|s| s.takes_up != Some(i)) {
                all.push(Ligand::Product);
            } else if valence(name).is_some() {
                all.push(Ligand::Held(self.bath(name, &format!("`{path}`"), &span)?));
            } else {
                self.fault(
                    &span,
                    format!("`{path}` also binds {name}, of which nothing is known here"),
                    "use another entry",
                );
                return None;
            }
        }
        Some((all, moving?))
    }

    pub(super) fn receptor(
        &mut self,
        path: &str,
        name: &str,
        placed: &Read,
        cell: (&str, &Read),
        (transmitter, cleft_radius): (&str, f64),
    ) -> Option<Receptor> {
        let part = self.part(path)?;
        let span = placed.span_of("use").unwrap_or(&placed.span).clone();
        if placed.word("on").is_some_and(|on| on != "postsynaptic") {
            let message = format!("`{path}` sits on another membrane than the postsynaptic one, which cannot be run");
            self.fault(placed.span_of("on").unwrap_or(&span), message, "on = \"postsynaptic\"");
            return None;
        }
        let disc = value(placed, "radius").unwrap_or(cleft_radius);
        if disc > cleft_radius {
            let message = format!("the disc of `{path}` is wider than the cleft ({disc} um against {cleft_radius} um)");
            self.fault(placed.span_of("radius").unwrap_or(&span), message, "a smaller radius, or a wider cleft");
            return None;
        }
        let area = std::f64::consts::PI * disc * disc;
        let count = match (placed.numbers("x"), placed.count("count")) {
            (Some(places), _) => places.len() as f64,
            (None, Some(n)) => *n as f64,
            (None, None) => (value(placed, "density")? * area).round(),
        };
        let count = if part.active < 1.0 { (count * part.active).round() } else { count };
        if !(1.0..=1e6).contains(&count) {
            let amount = placed.span_of("count").or_else(|| placed.span_of("density")).unwrap_or(&span);
            let hint = "from 1 to 1,000,000; `without` leaves a part out";
            self.fault(amount, format!("`{path}` has {count} receptors"), hint);
            return None;
        }
        let e_rev = self.reversal(path, placed, cell)?;
        let (ligands, moving) = self.ligands(path, part, placed, transmitter)?;
        let block = self.block(path, &span);
        let calcium = self.influx(path, placed, e_rev).ok()?;
        if part.body.body.table("permeation").is_some_and(|p| p.text("block").is_some()) && block.is_none() {
            return None;
        }
        let held: Vec<f64> = ligands.iter().map(|l| if let Ligand::Held(c) = *l { c } else { 0.0 }).collect();
        let folded = scheme(part).map_err(|e| e.to_string());
        let folded = folded.and_then(|s| Folded::new(&s, Some(moving), &held, RESIDENTS_AT).map_err(|e| e.to_string()));
        match folded {
            Ok(folded) => Some(Receptor {
                name: name.to_owned(),
                feels_voltage: folded.feels_voltage(),
                plan: IndividualsPlan::new(&folded.kinetics),
                folded,
                count: count as u32,
                places: Vec::new(),
                e_rev,
                calcium,
                block,
                states: part.scheme.as_ref().map_or_else(Vec::new, |s| s.states.clone()),
            }),
            Err(e) => {
                self.fault(&span, format!("`{path}` cannot be built: {e}"), "");
                None
            }
        }
    }

    /// The instantaneous block of a receptor's channel, or of a plain conductance.
    pub(super) fn block(&mut self, path: &str, span: &model::diagnostic::Span) -> Option<Block> {
        let part = self.part(&format!("{path}.block"))?;
        let block = part.block.as_ref()?;
        let concentration = self.bath(&block.ion, &format!("the block of `{path}`"), span)?;
        let program = expression_value(part, &block.open_fraction.expr, f64::from(block.open_fraction.sites)).ok()?;
        Some(Block { program, parameters: part.parameters.clone(), temperature: part.temperature, concentration })
    }

    fn clearance(
        &mut self,
        path: &str,
        placed: &Read,
        transmitter: &str,
        geometry: &Geometry,
    ) -> Option<Option<Resident>> {
        let part = self.part(path)?;
        let span = placed.span_of("use").unwrap_or(&placed.span).clone();
        let transport = part.body.body.table("transport");
        let density = value(placed, "density").or_else(|| transport.and_then(|t| value(t, "density")));
        let Some(density) = density else {
            self.fault(&span, format!("`{path}` needs a `density`: its entry has none"), "density = \"1000 /um2\"");
            return None;
        };
        let density = density * part.active;
        let on = placed.word("on").or_else(|| transport.and_then(|t| t.word("on"))).unwrap_or("cleft");
        let (ligands, _) = self.ligands(path, part, placed, transmitter)?;
        if density == 0.0 {
            return Some(None);
        }
        let held: Vec<f64> = ligands.iter().map(|l| if let Ligand::Held(c) = *l { c } else { 0.0 }).collect();
        let lowered = match scheme(part) {
            Ok(lowered) => lowered,
            Err(e) => {
                self.fault(&span, format!("`{path}` cannot be built: {e}"), "");
                return None;
            }
        };
        let coefficients = lowered.coefficients(RESIDENTS_AT, &held);
        let (site, amount) = if on == "glia" {
            let Rim::Porous(tissue) = geometry.rim else {
                let message = format!("`{path}` sits on glia, but there is no tissue around the cleft");
                self.fault(&span, message, "[space.ecs] with volume_fraction and tortuosity");
                return None;
            };
            let space = self.resolved.read.named("space").iter().find(|(k, _)| k.name == "ecs");
            let membrane = space.and_then(|(_, s)| value(s, "glial_membrane"));
            let Some(membrane) = membrane else {
                let message = format!("`{path}` sits on glia, but how much glial membrane there is was not said");
                self.fault(&span, message, "space.ecs.glial_membrane = \"1.4 um2/um3\"");
                return None;
            };
            (Site::Ecs(geometry.radius, tissue.reach), Amount::PerVolume(density * membrane))
        } else {
            (Site::Disc(geometry.radius), Amount::PerArea(density))
        };
        let kinetics = match with_states(&lowered.kinetics) {
            Ok(kinetics) => kinetics,
            Err(e) => {
                self.fault(&span, format!("`{path}` cannot be built: {e}"), "");
                return None;
            }
        };
        let mut resident = Resident::new(kinetics, coefficients, site, amount);
        resident.ligands = ligands;
        Some(Some(resident))
    }
}

/// Resistance of a cleft, GOhm, from its rim at `wide` um to the mean over the disc of `disc` um that takes up the current
/// evenly: `rho / (2 pi h) (ln(wide / disc) + 1/4)`, from `dV/dr = I(r) rho / (2 pi r h)` with `I(r)` growing as r^2 within
/// the disc. `rho`: GOhm um. Cf. Savtchenko & Rusakov (2007) PNAS 104:1823.
fn lateral(rho: f64, height: f64, (wide, disc): (f64, f64)) -> f64 {
    rho / (std::f64::consts::TAU * height) * (numerics::math::ln(wide / disc) + 0.25)
}

fn pore(read: &Read) -> Pore {
    let get = |field: &str| value(read, field).unwrap_or(f64::NAN);
    match read.word("kind") {
        Some("first_order") => Pore::FirstOrder { tau: get("tau") },
        Some("expanding") => Pore::Expanding {
            rate: get("growth"),
            widest: get("widest"),
            length: get("length"),
            volume: get("volume"),
            diffusion: get("diffusion"),
        },
        _ => Pore::Instantaneous,
    }
}

/// Of each receptor's states, from which nothing that is tapped can change while the ligand rests.
pub(super) fn mute(synapse: &SynapsePlan) -> Vec<Vec<bool>> {
    let still = synapse.resting.iter().all(|c| *c == 0.0);
    let of = |(r, receptor): (usize, &Receptor)| {
        let kinetics = &receptor.folded.kinetics;
        let n = kinetics.states();
        let alike =
            |a: usize, b: usize| synapse.taps.iter().filter(|t| t.receptor == r).all(|t| t.weights[a] == t.weights[b]);
        let from = |s: usize| {
            let (mut seen, mut next) = (vec![false; n], vec![s]);
            seen[s] = true;
            while let Some(here) = next.pop() {
                for t in kinetics.transitions().iter().filter(|t| usize::from(t.from.0) == here) {
                    let to = usize::from(t.to.0);
                    let barred = still && t.takes_up.is_some();
                    if !barred && !seen[to] {
                        seen[to] = true;
                        next.push(to);
                    }
                }
            }
            (0..n).all(|t| !seen[t] || alike(s, t))
        };
        (0..n).map(from).collect()
    };
    synapse.receptors.iter().enumerate().map(of).collect()
}
