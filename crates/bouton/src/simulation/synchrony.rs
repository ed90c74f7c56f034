//! Whether cells fire together: numbers of each population, and of each pair of a few single cells, from the second half of
//! each trial. All of them begin at rest, and in step; that is not to be taken for synchrony.

use super::facts::MADE_OF;
use super::plan::{Plan, Voltage};
use super::{Event, EventKind};
use crate::measure::synchrony::{Trains, independent, lag, order, period, tiling};
use crate::recording::{Fact, Measure, Statistic, summary};
use crate::report::significant;
use numerics::math::{turn, turns};

/// Spikes so near each other are together, ms.
const NEAR: f64 = 2.0;
/// Single cells of which all pairs are looked at, at most.
const FEW: usize = 4;

/// Numbers of a population: key, unit.
const OF_POPULATION: [(&str, &str); 4] =
    [("order_parameter", ""), ("phase_consistency", ""), ("synchrony", ""), ("period", "ms")];
/// Numbers of a pair.
const OF_PAIR: [(&str, &str); 3] = [("synchrony", ""), ("phase_lag", ""), ("phase_locking", "")];

/// Populations of a circuit that are more than one cell: which cell of the model, how many.
fn populations(plan: &Plan) -> impl Iterator<Item = (usize, usize)> {
    let groups = plan.circuit.iter().flat_map(|c| &c.groups);
    groups.filter(|g| g.count > 1).map(|g| (g.cell, g.count as usize))
}

/// Pairs of single cells that have a voltage, if they are few.
fn couples(plan: &Plan) -> Vec<(usize, usize)> {
    let fires = |k: &usize| {
        let cell = &plan.cells[*k];
        let voltage = matches!(cell.voltage, Voltage::Membrane { .. } | Voltage::Point(_));
        voltage && cell.count == 1 && !cell.name.contains('[')
    };
    let single: Vec<usize> = (0..plan.cells.len()).filter(fires).collect();
    if single.len() > FEW {
        return Vec::new();
    }
    let after = |a: usize| single[a + 1..].iter().map(move |b| (a, *b));
    (0..single.len()).flat_map(after).map(|(a, b)| (single[a], b)).collect()
}

/// The names of all numbers of this kind, with their units.
pub(super) fn keys(plan: &Plan) -> Vec<(String, &'static str)> {
    let name = |cell: usize| &plan.cells[cell].name;
    let mut out = Vec::new();
    for (cell, _) in populations(plan) {
        out.extend(OF_POPULATION.map(|(key, unit)| (format!("{}.{key}", name(cell)), unit)));
    }
    for (a, b) in couples(plan) {
        out.extend(OF_PAIR.map(|(key, unit)| (format!("{}.{key}.{}", name(a), name(b)), unit)));
    }
    out
}

/// Spikes of a cell of the model: by trial, by member.
fn trains(events: &[Event], trials: u64, cell: usize, count: usize) -> Vec<Vec<Vec<f64>>> {
    let mut out = vec![vec![Vec::new(); count]; trials as usize];
    for event in events {
        if let EventKind::Spike { cell: of, member } = event.kind
            && of as usize == cell
        {
            out[event.trial as usize][member as usize].push(event.at.ms());
        }
    }
    out
}

/// Values that are all angles, in turns, about their mean, so that those at half a turn are not told apart.
fn unwound(values: &[f64]) -> Vec<f64> {
    let known = values.iter().filter(|v| v.is_finite());
    let sum = known.map(|v| turn(*v)).fold((0.0, 0.0), |sum, (c, s)| (sum.0 + c, sum.1 + s));
    let middle = turns(sum.0, sum.1);
    values.iter().map(|v| middle + (v - middle) - (v - middle).round()).collect()
}

/// Tells of populations and couples.
pub(super) fn synchrony(plan: &Plan, trials: u64, events: &[Event], out: &mut Vec<Fact>) {
    if trials == 0 || trials > MADE_OF {
        return;
    }
    let window = (0.5 * plan.duration.ms(), plan.duration.ms());
    let since = format!("from {} ms on", significant(window.0, 4));
    let mut tell = |name: String, key: String, unit: &str, note: String, values: Vec<f64>| {
        if values.iter().all(|v| !v.is_finite()) {
            return;
        }
        let s = summary(&Measure { values: values.clone(), ..Measure::default() });
        let (unit, made_of) = (unit.to_owned(), Statistic::Mean(values));
        out.push(Fact { name, value: s.mean, low: s.low95, high: s.high95, unit, note, key, made_of });
    };
    let number = |x: Option<f64>| x.unwrap_or(f64::NAN);
    let tiled = |all: &[Vec<Vec<f64>>]| all.iter().map(|t| number(tiling(t, NEAR, window))).collect::<Vec<f64>>();
    for (cell, count) in populations(plan) {
        let name = &plan.cells[cell].name;
        let all = trains(events, trials, cell, count);
        let orders: Vec<_> = all.iter().map(|t| order(t as &Trains, window)).collect();
        // Of a few of many it would say nothing of the population.
        let most = orders.iter().flatten().find(|o| 2 * o.cells >= o.of);
        if let Some(first) = most {
            let left_out = match first.of - first.cells {
                0 => String::new(),
                n => format!("; {n} that fire too rarely are left out"),
            };
            let values = |f: &dyn Fn(&crate::measure::synchrony::Order) -> f64| -> Vec<f64> {
                orders.iter().map(|o| number(o.as_ref().filter(|o| 2 * o.cells >= o.of).map(f))).collect()
            };
            let [r, consistency] = [values(&|o| o.value), values(&|o| o.consistency)];
            let chance = significant(independent(first.cells), 2);
            let note = format!("|mean exp(i phase)| {since}; {chance} by chance{left_out}");
            tell(format!("{name}: order parameter"), format!("{name}.order_parameter"), "", note, r);
            let note = format!("mean cosine of differences of phase {since}; 0 by chance");
            tell(format!("{name}: phase consistency"), format!("{name}.phase_consistency"), "", note, consistency);
        }
        let note = format!("tiling coefficient, +-{NEAR} ms, {since}; 0 by chance");
        tell(format!("{name}: synchrony"), format!("{name}.synchrony"), "", note, tiled(&all));
        let periods = all.iter().map(|t| number(period(t, window))).collect();
        let note = format!("mean interval {since}");
        tell(format!("{name}: period"), format!("{name}.period"), "ms", note, periods);
    }
    for (a, b) in couples(plan) {
        let (name, other) = (&plan.cells[a].name, &plan.cells[b].name);
        let first = trains(events, trials, a, 1);
        let mut both = trains(events, trials, b, 1);
        both.iter_mut().zip(first).for_each(|(b, mut a)| b.insert(0, std::mem::take(&mut a[0])));
        let lags: Vec<_> = both.iter().map(|t| lag(&t[0], &t[1], window)).collect();
        if lags.iter().all(Option::is_none) {
            continue;
        }
        let mut of_pair = |what: &str, key: &str, note: String, values: Vec<f64>| {
            tell(format!("{name} and {other}: {what}"), format!("{name}.{key}.{other}"), "", note, values);
        };
        let note = format!("tiling coefficient, +-{NEAR} ms, {since}; 0 by chance");
        of_pair("synchrony", "synchrony", note, tiled(&both));
        let behind = unwound(&lags.iter().map(|l| number(l.map(|l| l.lag))).collect::<Vec<_>>());
        let note = format!("by how much {other} is behind {name}, in periods, {since}");
        of_pair("phase lag", "phase_lag", note, behind);
        let locking = lags.iter().map(|l| number(l.map(|l| l.locking))).collect();
        let note = format!("|mean exp(i difference of phase)| over time, {since}: 1 if the lag stays");
        of_pair("phase locking", "phase_locking", note, locking);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trials at 0.49 and at -0.49 are half a turn behind in the mean, and near each other.
    #[test]
    fn angles_about_half_a_turn_have_a_mean() {
        let values = unwound(&[0.49, -0.49, f64::NAN, 0.48]);
        let known: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        assert!(known.iter().all(|v| (v.abs() - 0.5).abs() < 0.025) && known.len() == 3, "{values:?}");
        let spread = known.iter().copied().fold(f64::NEG_INFINITY, f64::max)
            - known.iter().copied().fold(f64::INFINITY, f64::min);
        assert!((spread - 0.03).abs() < 1e-12, "{spread}");
    }
}
