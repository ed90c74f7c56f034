//! A cleft whose transmitter is followed molecule by molecule: the same residents, one by one, at places.

use super::cleft::LoweredCleft;
use super::context::{Lowering, value};
use crate::simulation::{Plan, Source, SynapsePlan};
use ::model::diagnostic::{Diagnostic, Span};
use ::model::read::{Number, Read};
use engine::cleft::{Rim, Site};
use engine::molecular::{self, Edge, Kind, MolecularError, Places, Shape, Space, Watch};
use engine::single::SchemeError;
use engine::time::Tick;

/// How wide a receptor is, um: muscle's acetylcholine receptor is up to 80 A in diameter (page of N. Unwin's group, MRC Laboratory of
/// Molecular Biology, on its structure).
const WIDE: f64 = 0.008;
/// How often a patch of half of the cleft's height is doubled at most: then it is eight times as wide as the cleft is high, and a site
/// on it does not feel its own field (that is so from five times on).
const WIDEST: u32 = 4;
/// How densely discs can lie: pi / sqrt(12).
const PACKED: f64 = 0.9069;

impl Lowering<'_> {
    /// The molecules of synapse `name`.
    pub(super) fn molecules(&mut self, name: &str, read: &Read, lowered: &LoweredCleft) -> Option<molecular::Plan> {
        let path = format!("synapse.{name}");
        let cleft = &lowered.cleft;
        let geometry = cleft.geometry();
        let table = read.table("cleft")?;
        let mut whole = true;
        if table.flag("lumped") == Some(&true) {
            let span = table.span_of("lumped").unwrap_or(&table.span).clone();
            let message = format!("in `{path}.cleft` all is mixed at once, and molecules have no place");
            self.fault(&span, message, "lumped = false, or detail = \"kinetic\"");
            whole = false;
        }
        if !self.resolved.phases.is_empty() {
            let said = read.span_of("detail").or_else(|| self.resolved.read.span_of("detail"));
            let span = said.unwrap_or(&read.span).clone();
            let message = format!("`{path}` is followed molecule by molecule, while baths change");
            self.fault(&span, message, "detail = \"kinetic\", or baths that stay");
            whole = false;
        }
        let mut wide = 0.0;
        for (key, placed) in read.named("receptor") {
            let Some(receptor) = lowered.receptors.iter().find(|r| r.name == key.name) else { continue };
            let span = placed.span_of("use").unwrap_or(&placed.span).clone();
            let binding = |v: f64| -> Option<Vec<f64>> {
                let rates = receptor.folded.rates_at(v).ok()?;
                let steps = receptor.folded.kinetics.transitions().iter().zip(rates);
                Some(steps.filter(|(t, _)| t.takes_up.is_some()).map(|(_, r)| r).collect())
            };
            if binding(-80.0) != binding(20.0) {
                let message = format!("what `{path}.receptor.{}` binds depends on voltage", key.name);
                self.fault(&span, message, "detail = \"kinetic\": single molecules are bound alike at all voltages");
                whole = false;
            }
            let disc = value(placed, "radius").unwrap_or(geometry.radius);
            let share = f64::from(receptor.count) * WIDE * WIDE / (4.0 * PACKED * disc * disc);
            wide += share;
            if share > 1.0 || (wide > 1.0 && wide - share <= 1.0) {
                let amount = ["count", "density"].iter().find_map(|f| placed.span_of(f)).unwrap_or(&span).clone();
                let most = (4.0 * PACKED * disc * disc / (WIDE * WIDE)).floor();
                let message = format!(
                    "{} receptors of `{path}.receptor.{}` do not fit on a disc of {disc} um: {most} side by side, 8 nm wide, \
                     would fill it",
                    receptor.count, key.name
                );
                self.fault(&amount, message, "fewer of them, or a larger `radius`");
                whole = false;
            }
        }
        let mut kinds = Vec::new();
        for (k, resident) in cleft.residents().enumerate() {
            let places = match (lowered.receptors.get(k), resident.site) {
                (Some(receptor), _) => {
                    let placed = &read.named("receptor").iter().find(|(key, _)| key.name == receptor.name)?.1;
                    let at = format!("{path}.receptor.{}", receptor.name);
                    match self.places(&at, placed, f64::from(receptor.count), geometry.radius) {
                        Some(places) => places,
                        None => {
                            whole = false;
                            continue;
                        }
                    }
                }
                (None, Site::Disc(radius)) => Places::Even { count: cleft.count(k)?, radius },
                (None, Site::Annulus(..)) => unreachable!("what clears lies on the whole disc, or in tissue"),
                (None, Site::Ecs(..)) => {
                    let mut amounts = vec![0.0; cleft.shells() - cleft.rings()];
                    let all = cleft.count(k)?;
                    for (shell, share) in cleft.places(k)? {
                        *amounts.get_mut(shell.checked_sub(cleft.rings())?)? = share * all;
                    }
                    Places::Tissue(amounts)
                }
            };
            kinds.push(Kind {
                kinetics: resident.kinetics.clone(),
                coefficients: resident.coefficients.clone(),
                ligands: resident.ligands.clone(),
                bound: cleft.bound(k).iter().map(|n| n.round() as u32).collect(),
                places,
                // Released on the sending side, bound on the receiving one; an enzyme stands in between.
                opposite: k < lowered.receptors.len(),
            });
        }
        if !whole {
            return None;
        }
        let edge = match geometry.rim {
            Rim::Sealed => Edge::Sealed,
            Rim::Absorbing => Edge::Absorbing,
            Rim::Porous(porous) => Edge::Porous(porous),
        };
        let shape = Shape::Disc { radius: geometry.radius };
        let space = Space { shape, height: geometry.height, diffusion: geometry.diffusion, edge };
        let start = cleft.start();
        let c = cleft.concentrations(&start);
        let rest: Vec<f64> = std::iter::once(c[0]).chain(c[cleft.rings()..].iter().copied()).collect();
        // What diffusion cannot bring to a small patch it brings to a wider one, up to where a site no longer feels its own field.
        let mut quick: Option<MolecularError> = None;
        for doubled in 0..=WIDEST {
            let side = 0.5 * geometry.height * f64::from(1_u32 << doubled);
            match molecular::Plan::tiled(&space, &kinds, side, Some(&rest)) {
                Ok(plan) => {
                    if let Some(e @ MolecularError::Scheme { error: SchemeError::TooQuick { rate, most }, .. }) = &quick
                    {
                        let (at, span) = self.blamed(&path, read, lowered, e);
                        let message = format!(
                            "`{at}` binds {rate:.3e} /mM/ms; diffusion brings {most:.3e} /mM/ms to a patch of {} nm in this cleft",
                            500.0 * geometry.height
                        );
                        let hint = format!("it is taken to bind evenly on a patch of {} nm", 1e3 * side);
                        self.out.push(Diagnostic::warning(message, span).hint(hint));
                    }
                    return Some(plan);
                }
                Err(e @ MolecularError::Scheme { error: SchemeError::TooQuick { .. }, .. }) => {
                    quick = quick.or(Some(e))
                }
                Err(e) => {
                    let (at, span) = self.blamed(&path, read, lowered, &e);
                    let message = format!("`{at}` cannot be followed molecule by molecule: {e}");
                    self.fault(&span, message, "detail = \"kinetic\"");
                    return None;
                }
            }
        }
        let message =
            format!("`{path}` cannot be followed molecule by molecule: what binds is quicker than any patch of it");
        self.fault(&read.span, message, "detail = \"kinetic\"");
        None
    }

    /// Which part an error is about, and where it was said.
    fn blamed(&self, path: &str, read: &Read, lowered: &LoweredCleft, e: &MolecularError) -> (String, Span) {
        use MolecularError as E;
        let (E::Scheme { kind, .. }
        | E::BindsFaster { kind }
        | E::Places { kind }
        | E::Shells { kind, .. }
        | E::Outside { kind, .. }) = *e
        else {
            return (format!("{path}.cleft"), read.table("cleft").map_or(&read.span, |c| &c.span).clone());
        };
        let receptor = lowered.receptors.get(kind).map(|r| ("receptor", &r.name));
        let clearance = || lowered.clearance.iter().find(|c| c.resident == kind).map(|c| ("clearance", &c.name));
        let Some((group, name)) = receptor.or_else(clearance) else { return (path.to_owned(), read.span.clone()) };
        let placed = read.named(group).iter().find(|(key, _)| key.name == *name).map(|(_, placed)| placed);
        let span = placed.map_or(&read.span, |p| p.span_of("use").unwrap_or(&p.span));
        (format!("{path}.{group}.{name}"), span.clone())
    }

    /// Where receptors are.
    fn places(&mut self, at: &str, placed: &Read, count: f64, cleft: f64) -> Option<Places> {
        let radius = value(placed, "radius").unwrap_or(cleft);
        let list = |field: &str| placed.numbers(field).map(|all| all.iter().map(Number::value).collect::<Vec<_>>());
        if let Some((x, y)) = self.listed(at, placed, (list("x"), list("y")))? {
            let places: Vec<[f64; 2]> = x.into_iter().zip(y).map(|(x, y)| [x, y]).collect();
            if let Some(k) = places.iter().position(|[x, y]| x * x + y * y > radius * radius) {
                let message = format!("the receptor of `{at}` at x[{k}], y[{k}] lies beyond {radius} um");
                self.fault(placed.span_of("x").unwrap_or(&placed.span), message, "within the disc of `radius`");
                return None;
            }
            return Some(Places::At(places));
        }
        let Some(clusters) = placed.count("clusters") else { return Some(Places::Even { count, radius }) };
        let span = placed.span_of("clusters").unwrap_or(&placed.span).clone();
        let Some(spread) = value(placed, "cluster_spread") else {
            self.fault(
                &span,
                format!("how wide the clusters of `{at}` are was not said"),
                "cluster_spread = \"30 nm\"",
            );
            return None;
        };
        if spread > radius {
            let span = placed.span_of("cluster_spread").unwrap_or(&span).clone();
            self.fault(
                &span,
                format!("the clusters of `{at}` are wider than their disc of {radius} um"),
                "a smaller one",
            );
            return None;
        }
        Some(Places::Clustered { count, radius, clusters: *clusters as u32, spread })
    }

    /// Both lists of places, if there are any.
    #[allow(clippy::type_complexity, reason = "two lists")]
    fn listed(
        &mut self,
        at: &str,
        placed: &Read,
        lists: (Option<Vec<f64>>, Option<Vec<f64>>),
    ) -> Option<Option<(Vec<f64>, Vec<f64>)>> {
        match lists {
            (None, None) => Some(None),
            (Some(x), Some(y)) if x.len() == y.len() => Some(Some((x, y))),
            (x, y) => {
                let span = ["x", "y"].iter().find_map(|f| placed.span_of(f)).unwrap_or(&placed.span).clone();
                let [x, y] = [x, y].map(|list| list.map_or(0, |l| l.len()));
                self.fault(&span, format!("`{at}` has {x} places along x and {y} along y"), "as many of both");
                None
            }
        }
    }

    /// Says that places go unheard at the other levels.
    pub(super) fn unheard(&mut self, name: &str, read: &Read) {
        for (key, placed) in read.named("receptor") {
            let said = ["clusters", "x", "y"].iter().find_map(|f| placed.span_of(f));
            let Some(span) = said else { continue };
            let message = format!("`synapse.{name}.receptor.{}` has places that only single molecules feel", key.name);
            let hint = "detail = \"molecular\"; at this level they lie evenly on their disc";
            self.out.push(Diagnostic::warning(message, span.clone()).hint(hint));
        }
    }
}

/// Lets what is recorded of a transmitter be looked at, as often as that is asked for.
pub(super) fn watch(plan: &mut Plan) {
    let asked = |s: usize| {
        let of = plan.probes.iter().filter(
            move |p| matches!(p.source, Source::Cleft { synapse } | Source::Distant { synapse, .. } if synapse == s),
        );
        of.map(|p| p.every.0).reduce(common).map(Tick)
    };
    let every: Vec<Option<Tick>> = (0..plan.synapses.len()).map(asked).collect();
    for (synapse, every) in plan.synapses.iter_mut().zip(every) {
        let SynapsePlan { cleft, molecules: Some(of), .. } = synapse else { continue };
        let edges = cleft.edges()[1..=cleft.rings()].to_vec();
        let watches = every.map(|every| Watch::Counts { every, edges }).into_iter().collect();
        *of = molecular::Plan::clone(of).watched(watches).into();
    }
}

/// The greatest common divisor.
fn common(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { common(b, a % b) }
}
