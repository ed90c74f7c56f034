//! Contacts of a synapse between populations: which cells, where on them, how strong each.

use super::connect::{Arrangement, Contacts, Ends, Region, Rule, Spots, most, pairs, positions};
use super::context::{Lowering, value};
use super::morphology::Layout;
use crate::simulation::{CellPlan, Voltage};
use ::model::morphology::locset::Where;
use ::model::read::{Read, separation};
use ::model::resolve::member;
use ::model::units;

/// Contacts of all synapses, at most.
pub(super) const MOST_CONTACTS: f64 = 1e8;
/// Pairs that a rule by separation looks at, at most.
const MOST_PAIRS: f64 = 4e9;

/// A contact of a synapse.
pub(super) struct Drawn {
    pub sender: u32,
    pub receiver: u32,
    /// Where it is on the sender.
    pub from: u32,
    /// Where it is on the receiver.
    pub to: u32,
    /// Which of the connected pairs it is of.
    pub pair: u64,
    /// Its strength over the mean.
    pub share: f64,
    /// Between the two cells, um.
    pub separation: f64,
}

/// What contacts are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Spikes, from one place to any of a region.
    Spikes,
    /// Gap junctions beside the chemical part of the same synapse: of the same pairs, at the same receiving places.
    Both,
    /// Gap junctions alone: within a population of pairs without order.
    Junctions,
}

impl Lowering<'_> {
    /// Draws the contacts of a synapse, `room` of them at most; gives how many pairs are connected, and contacts a pair.
    pub(super) fn drawn(
        &mut self,
        (name, read, of): (&str, &Read, Of),
        (model, cells): (&Read, &[CellPlan]),
        (from, to): ((usize, u32), (usize, u32)),
        room: f64,
        emit: &mut dyn FnMut(Drawn),
    ) -> Option<(u64, u64)> {
        let connect = read.table("connect");
        let counts = [from.0, to.0].map(|k| cells[k].count as u32);
        let lie = [from.0, to.0].map(|k| self.positions(model, cells, k));
        let within = from.0 == to.0;
        let ends = Ends {
            senders: counts[0],
            receivers: counts[1],
            others: within && connect.is_some_and(|c| !c.flag("self").copied().unwrap_or(false)),
            mutual: within && of == Of::Junctions,
            from: &lie[0],
            to: &lie[1],
        };
        let rule = self.rule(connect);
        let contacts = connect.and_then(|c| c.count("contacts")).map_or(1, |n| *n);
        let span = connect.map_or(&read.span, |c| &c.span).clone();
        let whole = most(&rule, &ends);
        let looked = matches!(rule, Rule::BySeparation(_));
        let hint = format!("at most {room:.0} contacts more, and 4,000 million pairs by separation");
        if whole > MOST_PAIRS || (!looked && whole * contacts as f64 > room) {
            let message = format!("`synapse.{name}` would be {whole:.0} connections of {contacts}");
            self.fault(&span, message, &hint);
            return None;
        }
        let receiving = self.spots((name, read, "to"), cells, to)?;
        let sending = match of {
            Of::Spikes => Spots::One(from.1),
            Of::Both | Of::Junctions => self.spots((name, read, "from"), cells, from)?,
        };
        let seed = connect.and_then(|c| c.count("random")).map_or(0, |s| *s);
        let repeated = connect.and_then(|c| c.flag("repeated")).copied().unwrap_or(false);
        let spread = connect.and_then(|c| value(c, "spread")).unwrap_or(0.0);
        let draws = Contacts::new((seed, name), spread);
        let mut made = 0u64;
        let layouts = [from.0, to.0].map(|k| layout(&cells[k]));
        let at = layouts.map(|layout| move |joint| layout.map_or(0, |layout: &Layout| layout.at(joint)));
        let fits = |made: u64| ((made + 1) * contacts) as f64 <= room;
        let drawn = pairs(&rule, &ends, (seed, name, repeated), &mut |sender, receiver| {
            if fits(made) {
                let separation = ends.separation(sender, receiver);
                for contact in 0..contacts {
                    let (to, share) = draws.draw((made, contact), &receiving, &at[1]);
                    let from = draws.sending((made, contact), &sending, &at[0]);
                    emit(Drawn { sender, receiver, from, to, pair: made, share, separation });
                }
            }
            made += 1;
        });
        if let Err(wrong) = drawn {
            let span = connect.and_then(|c| c.span_of("probability")).unwrap_or(&span).clone();
            let message =
                format!("the probability of `synapse.{name}` is {:.3} at {:.1} um", wrong.value, wrong.separation);
            self.fault(&span, message, "from 0 to 1: min(1, ...), or max(0, ...)");
            return None;
        }
        if made > 0 && !fits(made - 1) {
            self.fault(&span, format!("`synapse.{name}` makes {made} connections of {contacts}"), &hint);
            return None;
        }
        Some((made, contacts))
    }

    /// Where contacts may sit at an end of a synapse: in one place, or with `connect` anywhere in a region or on any of a
    /// group of spines.
    fn spots<'c>(
        &mut self,
        (name, read, end): (&str, &Read, &str),
        cells: &'c [CellPlan],
        (cell, compartment): (usize, u32),
    ) -> Option<Spots<'c>> {
        let connect = read.table("connect");
        let place = read.text(end).map_or("", |t| member(t).2.unwrap_or("")).trim().to_owned();
        let span = read.span_of(end).unwrap_or(&read.span).clone();
        let layout = layout(&cells[cell]);
        let group = layout.and_then(|l| l.spines.get(&place)).filter(|_| place.starts_with("spines."));
        let region = layout.and_then(|l| l.shape.as_ref()).filter(|_| connect.is_some() && !place.contains('('));
        let region = region.and_then(|shape| Some((shape, shape.morphology.region(&place).ok()?)));
        match (group, region) {
            (Some(group), _) if connect.is_none() => {
                let message = format!("`synapse.{name}` is onto {} spines of a cell in a circuit", group.len());
                let hint = "connect = { all = true }: each connection onto any of them; or say which, [0]";
                self.fault(&span, message, hint);
                None
            }
            (Some(group), _) => Some(Spots::Any(group)),
            (None, Some((shape, sections))) => {
                let condition = connect.and_then(|c| c.text("where")).and_then(|t| Where::parse(t).ok());
                let stretches = shape.morphology.stretches(&sections, condition.as_ref());
                let region = Region::new(&shape.morphology, &stretches);
                if region.is_none() {
                    let message = format!("nowhere in `{place}` of `{}` may a contact of `synapse.{name}` be", {
                        &cells[cell].name
                    });
                    self.fault(&span, message, "another region, or another condition in `where`");
                }
                Some(Spots::Region(region?))
            }
            _ => Some(Spots::One(compartment)),
        }
    }

    /// The rule of `connect`; without one, each with each.
    fn rule(&self, connect: Option<&Read>) -> Rule {
        let Some(connect) = connect else { return Rule::All };
        let count = |field: &str| connect.count(field).map(|n| *n as u32);
        if let Some(formula) = connect.formula("probability")
            && let Ok(expression) = units::parse(&formula.text, &separation())
        {
            return Rule::BySeparation(expression);
        }
        if let Some(p) = value(connect, "probability") {
            return Rule::Probability(p);
        }
        if let Some(pairs) = connect.pairs("pairs") {
            return Rule::Pairs(pairs.clone());
        }
        let of =
            [("ring", Rule::Ring as fn(u32) -> Rule), ("indegree", Rule::Indegree), ("outdegree", Rule::Outdegree)];
        let numbered = of.into_iter().find_map(|(field, rule)| count(field).map(rule));
        numbered.unwrap_or(if connect.get("each").is_some() { Rule::Each } else { Rule::All })
    }

    /// Where the cells of a population, or the one cell of it, lie.
    fn positions(&self, model: &Read, cells: &[CellPlan], index: usize) -> Vec<[f64; 3]> {
        let (name, number, _) = member(&cells[index].name);
        let read = model.named("cell").iter().find(|(k, _)| k.name == name).map(|(_, c)| c);
        let count = read.and_then(|c| c.count("count")).map_or(1, |n| *n as u32);
        let said = read.and_then(|c| c.table("arrangement"));
        let numbers = |field: &str| -> Option<[f64; 3]> {
            let all: Vec<f64> = said?.numbers(field)?.iter().map(::model::read::Number::value).collect();
            all.try_into().ok()
        };
        let length = |field: &str| said.and_then(|a| value(a, field));
        let seed = said.and_then(|a| a.count("random")).map_or(0, |s| *s);
        let rules = [
            ("line", Arrangement::Line as fn(f64) -> Arrangement),
            ("ring", Arrangement::Ring),
            ("grid", Arrangement::Grid),
        ];
        let rule = rules.into_iter().find_map(|(field, rule)| length(field).map(rule));
        let rule = rule.or_else(|| Some(Arrangement::Within(numbers("box")?, seed)));
        let all = positions(rule, numbers("centre").unwrap_or_default(), count, name);
        match number.and_then(|k| k.parse::<usize>().ok()) {
            Some(k) => vec![all.get(k).or(all.first()).copied().unwrap_or_default()],
            None => all,
        }
    }
}

/// The places of a cell that has a membrane.
fn layout(cell: &CellPlan) -> Option<&Layout> {
    match &cell.voltage {
        Voltage::Membrane { cell, .. } => Some(&cell.layout),
        _ => None,
    }
}
