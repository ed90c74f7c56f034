//! Ions in a neuron: pools become compartments' dynamics, channels get the law by which they carry.

use super::context::{Lowering, valence, value};
use super::diffusion::Moving;
use super::morphology::Layout;
use crate::simulation::influx::{self, Influx};
use crate::simulation::{CellPlan, Voltage};
use ::model::read::Read;
use ::model::resolve::Part;
use engine::neuron::{Cell, Dynamics, Ion, Law, Pooling, Site};
use std::ops::Range;

/// The pools of a cell.
#[derive(Default)]
pub(super) struct Pools {
    /// Names of the ions, in the order of the plan.
    pub names: Vec<String>,
    pub ions: Vec<Ion>,
}

impl Pools {
    /// Which ion of the plan.
    pub fn ion(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }
}

/// How a channel carries: reversal potential (mV, where fixed), law, ion of the plan.
pub(super) struct Carrier {
    pub e_rev: f64,
    pub law: Law,
    pub ion: Option<u16>,
}

/// A number said where a pool is placed, else in its entry.
fn said(part: &Part, placed: &Read, field: &str) -> Option<f64> {
    value(placed, field).or_else(|| part.body.body.table("pool").and_then(|p| value(p, field)))
}

/// A pool as its entry has it, below 1 um2 of membrane, with the charge number of its ion; without a `depth`, all of a
/// cylinder of 1 um.
#[must_use]
pub fn pool(part: &Part) -> Option<(Dynamics, i32)> {
    let own = part.body.body.table("pool")?;
    let get = |field: &str| value(own, field);
    let dynamics = Dynamics {
        volume: get("depth").unwrap_or(0.25),
        rest: get("rest")?,
        tau: get("tau").unwrap_or(f64::INFINITY),
        v_max: get("v_max").unwrap_or(0.0),
        k_m: get("k_m").unwrap_or(0.0),
        bound: get("bound").unwrap_or(0.0),
        share: get("share").unwrap_or(1.0),
    };
    Some((dynamics, valence(own.text("ion")?)?))
}

impl Lowering<'_> {
    /// Gives a cell its pools. `r_a`: Ohm cm.
    pub fn cell_pools(
        &mut self,
        path: &str,
        read: &Read,
        cell: &mut Cell,
        (hosts, r_a): (&[(u32, Range<u32>)], f64),
        layout: &Layout,
    ) -> Option<Pools> {
        let mut pools = Pools::default();
        let mut good = true;
        let n = cell.compartments.len();
        let named = self.named(path, read, n, layout);
        let mut moving = Vec::new();
        for (key, placed) in read.named("pool") {
            let at = format!("{path}.pool.{}", key.name);
            let Some(part) = self.part(&at) else { continue };
            let Some(ion) = part.body.body.table("pool").and_then(|p| p.text("ion")) else { continue };
            let span = placed.span_of("use").unwrap_or(&placed.span).clone();
            let (outside, z) = (self.bath(ion, &format!("`{at}`"), &span), valence(ion));
            let (Some(outside), Some(valence)) = (outside, z) else {
                good = false;
                continue;
            };
            if outside == 0.0 {
                let message = format!("`{at}` has no {ion} outside, so no reversal potential");
                self.fault(&span, message, &format!("solution.bath.{ion} = \"2 mM\""));
                good = false;
                continue;
            }
            let get = |field: &str| said(part, placed, field);
            let (tau, v_max) = (get("tau").unwrap_or(f64::INFINITY), get("v_max").unwrap_or(0.0));
            if v_max > 0.0 && get("k_m").is_none() {
                let at_pump = placed.span_of("v_max").unwrap_or(&span).clone();
                self.fault(&at_pump, format!("the pump of `{at}` has no `k_m`"), "k_m = \"0.5 uM\"");
                good = false;
                continue;
            }
            let mask = self.mask(placed, n, layout);
            let index = pools.ion(ion).unwrap_or_else(|| {
                pools.names.push(ion.to_owned());
                pools.ions.push(Ion { valence, outside });
                cell.pools.push(Pooling { ion: pools.names.len() - 1, compartments: vec![None; n], links: Vec::new() });
                pools.names.len() - 1
            });
            let moves = Moving::of(get);
            let own = (0..n).filter(|k| mask[*k] && layout.thickness[*k] > 0.0);
            // Heads of spines have the pool of where they sit, and where ions pass to them, necks as well.
            let heads = hosts.iter().filter(|(host, _)| mask[*host as usize]).flat_map(|(_, made)| {
                let from = if moves.is_some() { made.start } else { made.end - 1 };
                (from..made.end).map(|k| k as usize)
            });
            let inherited = heads.filter(|k| !named.iter().any(|(other, said)| other == ion && said[*k]));
            for k in own.chain(inherited).collect::<Vec<_>>() {
                let thickness = layout.thickness[k];
                let depth = get("depth").map_or(thickness, |depth| depth.min(thickness));
                if !depth.is_finite() {
                    let message = format!("`{at}` has no `depth`, and the cell is said by its area alone");
                    self.fault(&span, message, "depth = \"0.1 um\", or the membrane by `diameter` and `length`");
                    good = false;
                    break;
                }
                if moves.is_some() && depth < thickness * (1.0 - 1e-9) {
                    self.shell(&at, placed, (k, depth), layout);
                    good = false;
                    break;
                }
                let area = cell.compartments[k].area;
                moving.push((index, k, moves, key.clone()));
                cell.pools[index].compartments[k] = Some(Dynamics {
                    volume: Dynamics::shell(area, depth),
                    rest: get("rest").unwrap_or(f64::NAN),
                    tau,
                    v_max: v_max * area,
                    k_m: get("k_m").unwrap_or(0.0),
                    bound: get("bound").unwrap_or(0.0),
                    share: get("share").unwrap_or(1.0),
                });
            }
        }
        good &= self.link(path, cell, (&pools, &moving), r_a);
        good.then_some(pools)
    }

    /// By which law a placed channel carries its ion.
    pub fn carrier(&mut self, path: &str, placed: &Read, cell: (&str, &Read), pools: &Pools) -> Option<Carrier> {
        let part = self.part(path)?;
        let permeation = part.body.body.table("permeation");
        let ion = permeation.and_then(|p| p.text("ion"));
        let pooled = ion.and_then(|ion| pools.ion(ion)).map(|ion| ion as u16);
        let fixed = value(placed, "reversal").or_else(|| permeation.and_then(|p| value(p, "reversal")));
        if permeation.and_then(|p| p.word("law")) == Some("ghk") && value(placed, "reversal").is_none() {
            let law = match (pooled, ion) {
                (Some(_), _) => Law::Ghk,
                (None, Some(ion)) => {
                    let span = placed.span_of("use").unwrap_or(&placed.span).clone();
                    let why = format!("the current of `{path}`");
                    let (inside, outside) = (self.inside(cell, ion, &why, &span), self.bath(ion, &why, &span));
                    Law::GhkHeld { valence: valence(ion)?, inside: inside?, outside: outside? }
                }
                (None, None) => {
                    let message = format!("`{}` does not say which ion passes it", part.entry);
                    self.fault(&placed.span, message, "give a `reversal` and a `density` here");
                    return None;
                }
            };
            return Some(Carrier { e_rev: 0.0, law, ion: pooled });
        }
        if let Some(e_rev) = fixed {
            return Some(Carrier { e_rev, law: Law::Ohmic, ion: pooled });
        }
        if pooled.is_some() {
            return Some(Carrier { e_rev: 0.0, law: Law::Nernst, ion: pooled });
        }
        let e_rev = self.reversal(path, placed, cell)?;
        Some(Carrier { e_rev, law: Law::Ohmic, ion: None })
    }

    /// Whether the pools that a channel needs are wherever it is.
    pub fn fed(
        &mut self,
        (path, cell): (&str, &str),
        placed: &Read,
        (law, g_max): (Law, &[f64]),
        (built, pools): (&Cell, &Pools),
    ) -> Option<()> {
        let part = self.part(path)?;
        let own = part.body.body.table("permeation").and_then(|p| p.text("ion"));
        let ligands = part.scheme.iter().flat_map(|s| s.ligands.iter().enumerate());
        let bound = ligands.filter(|(l, _)| part.drugs.iter().all(|d| d.ligand != *l)).map(|(_, name)| name);
        let read: Vec<&str> = part.body.reads.iter().chain(bound).map(String::as_str).collect();
        let needed = own.filter(|_| law.needs_pool()).into_iter().chain(read.iter().copied());
        for ion in needed {
            let has = |k: usize| {
                let mut of = built.pools.iter().filter(|p| Some(p.ion) == pools.ion(ion));
                of.any(|p| p.compartments[k].is_some())
            };
            if (0..).zip(g_max).any(|(k, g)| *g > 0.0 && !has(k)) {
                let reads = read.contains(&ion);
                let why = if reads { "gates by" } else { "reverses by" };
                let where_ = if pools.ion(ion).is_some() { " everywhere it is" } else { "" };
                let message = format!("`{path}` {why} {ion} inside, and there is no pool of it{where_}");
                let span = placed.span_of("use").unwrap_or(&placed.span).clone();
                let hint = match (pools.ion(ion), ion) {
                    (Some(_), _) => "`on` of the channel within `on` of the pool".to_owned(),
                    (None, "ca") => format!("cell.{cell}.pool.ca = {{ use = \"pool/calcium_destexhe_1994\" }}"),
                    (None, ion) => format!("cell.{cell}.pool.{ion} = {{ use = \"pool/...\" }}"),
                };
                self.fault(&span, message, &hint);
                return None;
            }
        }
        Some(())
    }

    /// What of a synaptic current that reverses at `e_rev` mV is calcium, where a share is said; an error was said.
    pub fn influx(&mut self, path: &str, placed: &Read, e_rev: f64) -> Result<Option<Influx>, ()> {
        let Some(share) = value(placed, "calcium").filter(|share| *share > 0.0) else { return Ok(None) };
        let span = placed.span_of("calcium").unwrap_or(&placed.span).clone();
        if e_rev <= influx::AT {
            let message =
                format!("`{path}` reverses at {e_rev} mV, and its share of calcium is that at {} mV", influx::AT);
            self.fault(&span, message, "a `reversal` above it, or no `calcium`");
            return Err(());
        }
        let outside = self.bath("ca", &format!("the calcium of `{path}`"), &span).ok_or(())?;
        Ok((outside > 0.0).then(|| Influx::new(share, e_rev, outside, self.resolved.temperature)))
    }

    /// Whether there is a pool for the calcium that the receptors or the conductance of a synapse let in.
    pub fn kept(&mut self, name: &str, read: &Read, (cells, to): (&[CellPlan], (usize, u32))) -> Option<()> {
        let Voltage::Membrane { cell, rest } = &cells[to.0].voltage else { return Some(()) };
        let mut good = Some(());
        let receptors = read.named("receptor").iter().map(|(key, r)| (format!("receptor.{}", key.name), r));
        let plain = read.table("conductance").map(|r| ("conductance".to_owned(), r));
        let place = read.text("to").and_then(|to| to.split_once('.')).map_or("", |(_, place)| place.trim());
        let heads = cell.layout.spines.get(place).filter(|_| plain.is_some()).cloned().unwrap_or_else(|| vec![to.1]);
        for (part, placed) in receptors.chain(plain).filter(|(_, r)| value(r, "calcium").is_some_and(|c| c > 0.0)) {
            let keeps = |&compartment: &u32| {
                let site = Site { block: 0, compartment, lane: 0 };
                cell.calcium().and_then(|ion| rest.concentration(&cell.plan, site, ion)).is_some()
            };
            if !heads.iter().all(keeps) {
                let path = format!("synapse.{name}.{part}");
                let span = placed.span_of("calcium").unwrap_or(&placed.span).clone();
                let message = format!("nothing keeps the calcium that `{path}` lets in");
                let hint = format!("cell.{}.pool.ca = {{ use = \"pool/calcium_hay_2011\" }}", cells[to.0].name);
                self.fault(&span, message, &hint);
                good = None;
            }
        }
        good
    }

    /// Permeability of a placed channel, um/ms: said there, or of so many channels over `area` um2.
    pub fn permeability(&mut self, path: &str, part: &Part, placed: &Read, area: f64) -> Option<f64> {
        if let Some(permeability) = value(placed, "permeability") {
            return Some(permeability);
        }
        let count = *placed.count("count")? as f64;
        match part.body.body.table("permeation").and_then(|p| value(p, "permeability")) {
            Some(one) => Some(count * one / area),
            None => {
                let message = format!("`{path}` has no permeability of one channel, so its `count` says nothing");
                self.fault(&placed.span, message, "give its `permeability`");
                None
            }
        }
    }
}
