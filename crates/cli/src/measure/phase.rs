//! `measure --prc`: the phase response of a cell with a membrane, or of a point neuron.

use super::{Measure, made, placed, quantity, refused};
use crate::output;
use bouton::electrophysiology::prc::{PhaseResponse, Protocol, phase_response};
use bouton::electrophysiology::rig::Subject;
use bouton::report::phase::MeasuredPhase;
use bouton::simulation::{CellPlan, Plan, Voltage};
use model::catalogue::Catalogue;
use model::diagnostic::Diagnostic;
use model::units::Dimension;
use std::process::ExitCode;

pub(super) fn measured(options: &Measure, catalogue: &Catalogue) -> Result<MeasuredPhase, ExitCode> {
    let plan = made(options, catalogue)?;
    let cell = chosen(options, &plan)?;
    let (place, at) = match &cell.voltage {
        Voltage::Membrane { cell: lowered, .. } => placed(options, &cell.name, lowered)?,
        _ if options.at.is_some() => return Err(refused(format!("`{}` is a point", cell.name), "leave out --at")),
        _ => ("soma".to_owned(), 0),
    };
    let response = response(options, &plan, cell, at)?;
    let name = if options.file.starts_with("neuron/") { options.file.clone() } else { cell.name.clone() };
    Ok(MeasuredPhase { cell: (name, place), temperature: plan.temperature, response })
}

/// The neuron of a cell, with the means of its channels; none of a cell that only spikes.
fn subject(cell: &CellPlan) -> Option<Subject> {
    match &cell.voltage {
        Voltage::Membrane { cell, .. } => Some(Subject::Membrane(cell.means.as_ref().unwrap_or(cell).clone())),
        Voltage::Point(point) => Some(Subject::Point(*point.model())),
        _ => None,
    }
}

pub(super) fn response(options: &Measure, plan: &Plan, cell: &CellPlan, at: u32) -> Result<PhaseResponse, ExitCode> {
    let current = options.current.as_deref().map(|text| quantity(text, "current", Dimension::CURRENT)).transpose()?;
    if current.is_some_and(|c| c.abs() > 1e7) {
        return Err(refused("a current above 10 uA".into(), "e.g. --current \"300 pA\""));
    }
    let by = Protocol { current, phases: options.phases.into(), ..Protocol::new(plan.step, plan.temperature) };
    let Some(of) = subject(cell) else {
        return Err(refused(format!("`{}` has no membrane and is no point", cell.name), "a cell that has a voltage"));
    };
    phase_response(&of, at, &by).map_err(|e| {
        let fault = Diagnostic::error(format!("`{}` has no phase response: {e}", cell.name), None);
        output::fault(fault.hint("another --current, at which it fires at even intervals"))
    })
}

/// The cell that is meant, which has a voltage of its own.
fn chosen<'a>(options: &Measure, plan: &'a Plan) -> Result<&'a CellPlan, ExitCode> {
    // One of many is like the others.
    let all: Vec<&CellPlan> = plan.cells.iter().filter(|c| !c.name.contains('[') && subject(c).is_some()).collect();
    let names: Vec<&str> = all.iter().map(|c| c.name.as_str()).collect();
    let which = format!("cells with a voltage: {}", names.join(", "));
    match (&options.cell, &all[..]) {
        (_, []) => {
            Err(refused("no cell of the model has a voltage".into(), "a cell with `use`, a `membrane` or a `point`"))
        }
        (None, [one]) => Ok(one),
        (None, _) => Err(refused(format!("which of {} cells?", all.len()), format!("--cell; {which}"))),
        (Some(name), _) => {
            let found = all.iter().find(|c| c.name == *name).copied();
            found.ok_or_else(|| refused(format!("no cell `{name}` with a voltage"), which))
        }
    }
}
