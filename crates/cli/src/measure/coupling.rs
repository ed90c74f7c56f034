//! `measure --coupling`: two cells that the gap junctions of a synapse join.

use super::{Measure, length, made, phase, refused};
use crate::output;
use bouton::electrophysiology::coupling::Protocol;
use bouton::electrophysiology::pair::{Pair, PairError};
use bouton::electrophysiology::rig::RigError;
use bouton::report::coupling::MeasuredCoupling;
use model::catalogue::Catalogue;
use model::diagnostic::Diagnostic;
use std::process::ExitCode;

pub(super) fn measured(options: &Measure, synapse: &str, catalogue: &Catalogue) -> Result<MeasuredCoupling, ExitCode> {
    let plan = made(options, catalogue)?;
    let pair = Pair::new(&plan, synapse, options.alone).map_err(|e| {
        let hint = match &e {
            PairError::Unknown { known, .. } if known.is_empty() => {
                "no synapse of the model has a `junction`".to_owned()
            }
            PairError::Unknown { known, .. } => format!("synapses with one: {}", known.join(", ")),
            PairError::Nobody { .. } => "another rule of `connect`, so that there is a pair".to_owned(),
        };
        refused(e.to_string(), hint)
    })?;
    let by = Protocol { duration: length(options)?, ..Protocol::default() };
    let failed =
        |e: RigError| output::fault(Diagnostic::error(format!("`synapse.{synapse}` cannot be measured: {e}"), None));
    let found = pair.coupling(&by).map_err(failed)?;
    let phases = if options.prc {
        let [a, b] = pair.cells();
        let (a, b) = (phase::response(options, &plan, a.0, a.1)?, phase::response(options, &plan, b.0, b.1)?);
        let locking = pair.locking([&a, &b], found.conductance).map_err(failed)?;
        Some(([a, b], locking))
    } else {
        None
    };
    Ok(MeasuredCoupling {
        synapse: synapse.to_owned(),
        places: pair.names(),
        temperature: plan.temperature,
        among: pair.among(),
        coupling: found,
        phases,
    })
}
