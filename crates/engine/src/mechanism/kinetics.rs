//! What every scheme is lowered to: states, transitions between them, and what can be read off.
//!
//! **Where concentrations enter.** The rate program gives each transition's coefficient; a transition that takes up a
//! ligand is multiplied by that ligand's concentration *here*, by whoever steps it: k_on in /mM/ms times mM. So a
//! coefficient is uniform where only the ligand differs, and the well-mixed solver knows the derivative.

use super::program::Program;
use numerics::markov::{Generator, Reaction};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Most states a scheme may have.
pub const MAX_STATES: usize = 64;

/// A state of a scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StateIndex(pub u16);

/// A ligand of a scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LigandIndex(pub u16);

/// An output of the rate program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutputIndex(pub u16);

/// An observable of a scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObservableIndex(pub u16);

/// What an input of the rate program stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputRole {
    /// Membrane voltage in mV.
    Voltage,
    /// Temperature in K.
    Temperature,
    /// Concentration of a ligand in mM, where it enters other than by mass action.
    Ligand(LigandIndex),
    /// Any other number, by index.
    Parameter(u16),
}

/// One way from state to state. Its rate in /ms is the program's output, times the concentration in mM of
/// `takes_up` if there is one.
///
/// A ligand both taken up and given off drives the step without being consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// State left.
    pub from: StateIndex,
    /// State entered.
    pub to: StateIndex,
    /// Output of the rate program: /ms, or /mM/ms when a ligand is taken up.
    pub rate: OutputIndex,
    /// Ligand of which one molecule is bound.
    pub takes_up: Option<LigandIndex>,
    /// Ligand of which one molecule is freed.
    pub gives_off: Option<LigandIndex>,
}

/// A scheme as it is handed in; checked by [`Kinetics::new`].
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// How many states, 1 to 64.
    pub states: usize,
    /// How many ligands.
    pub ligands: usize,
    /// The transitions; parallel ones add.
    pub transitions: Vec<Transition>,
    /// Gives the coefficients.
    pub rates: Program,
    /// One role an input of `rates`.
    pub inputs: Vec<InputRole>,
    /// States that are never left (checked), such as a fused vesicle.
    pub absorbing: Vec<StateIndex>,
    /// Weights over states, one vector an observable: open conductance, bound sites.
    pub observables: Vec<Vec<f64>>,
}

/// What is wrong with a scheme, or with rates given to it. Indices are those of the description.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum KineticsError {
    /// Not between 1 and 64 states.
    #[error("the scheme has {states} states: from 1 to {MAX_STATES} are possible")]
    States {
        /// How many.
        states: usize,
    },
    /// A transition or list names a state that is not there.
    #[error("transition {transition} names state {state}, but there are only {states}")]
    NoSuchState {
        /// Index of the transition.
        transition: usize,
        /// The state.
        state: usize,
        /// How many there are.
        states: usize,
    },
    /// A transition from a state to itself.
    #[error("transition {transition} leads from state {state} to itself: remove it")]
    SelfTransition {
        /// Index of the transition.
        transition: usize,
        /// The state.
        state: usize,
    },
    /// A transition names a rate that the program does not give.
    #[error("transition {transition} uses output {output}, but the rate program has only {outputs}")]
    NoSuchRate {
        /// Index of the transition.
        transition: usize,
        /// The output.
        output: usize,
        /// How many there are.
        outputs: usize,
    },
    /// A transition names a ligand that is not there.
    #[error("transition {transition} names ligand {ligand}, but there are only {ligands}")]
    NoSuchLigand {
        /// Index of the transition.
        transition: usize,
        /// The ligand.
        ligand: usize,
        /// How many there are.
        ligands: usize,
    },
    /// The program's inputs and their roles differ in number, or a role names no ligand.
    #[error("input {input} of the rate program has no valid role ({roles} roles for {inputs} inputs)")]
    Role {
        /// First input concerned.
        input: usize,
        /// How many roles.
        roles: usize,
        /// How many inputs.
        inputs: usize,
    },
    /// An absorbing state that does not exist or can be left.
    #[error("state {state} is declared absorbing, but it does not exist or transition {transition:?} leaves it")]
    NotAbsorbing {
        /// The state.
        state: usize,
        /// The transition that leaves it, if it exists.
        transition: Option<usize>,
    },
    /// An observable without one finite weight a state.
    #[error("observable {observable} needs one finite weight for each of the {states} states")]
    Weights {
        /// The observable.
        observable: usize,
        /// How many states.
        states: usize,
    },
    /// A coefficient or concentration that is negative or not finite.
    #[error("the rate of transition {transition} is {rate}: it must be finite and not negative")]
    BadRate {
        /// Index of the transition.
        transition: usize,
        /// Its rate in /ms.
        rate: f64,
    },
    /// Slices given to a method have the wrong lengths.
    #[error("{got} values where {want} are needed")]
    Length {
        /// How many came.
        got: usize,
        /// How many are needed.
        want: usize,
    },
}

/// A checked scheme. Immutable and shared; a population's state is kept elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Kinetics {
    description: Description,
}

impl Kinetics {
    /// Checks a description; any fault is an error, never a panic.
    ///
    /// # Errors
    /// The first fault found, in the order states, transitions, inputs, absorbing states, observables.
    pub fn new(description: Description) -> Result<Self, KineticsError> {
        let d = &description;
        let states = d.states;
        if !(1..=MAX_STATES).contains(&states) {
            return Err(KineticsError::States { states });
        }
        for (transition, t) in d.transitions.iter().enumerate() {
            for state in [t.from, t.to].map(|s| usize::from(s.0)) {
                if state >= states {
                    return Err(KineticsError::NoSuchState { transition, state, states });
                }
            }
            if t.from == t.to {
                return Err(KineticsError::SelfTransition { transition, state: usize::from(t.from.0) });
            }
            let (output, outputs) = (usize::from(t.rate.0), d.rates.outputs());
            if output >= outputs {
                return Err(KineticsError::NoSuchRate { transition, output, outputs });
            }
            for ligand in [t.takes_up, t.gives_off].into_iter().flatten().map(|l| usize::from(l.0)) {
                if ligand >= d.ligands {
                    return Err(KineticsError::NoSuchLigand { transition, ligand, ligands: d.ligands });
                }
            }
        }
        let (roles, inputs) = (d.inputs.len(), d.rates.inputs());
        let bad_role =
            d.inputs.iter().position(|role| matches!(role, InputRole::Ligand(l) if usize::from(l.0) >= d.ligands));
        if let Some(input) = bad_role.or((roles != inputs).then_some(roles.min(inputs))) {
            return Err(KineticsError::Role { input, roles, inputs });
        }
        for state in &d.absorbing {
            let transition = d.transitions.iter().position(|t| t.from == *state);
            let state = usize::from(state.0);
            if state >= states || transition.is_some() {
                return Err(KineticsError::NotAbsorbing { state, transition });
            }
        }
        for (observable, weights) in d.observables.iter().enumerate() {
            if weights.len() != states || !weights.iter().all(|w| w.is_finite()) {
                return Err(KineticsError::Weights { observable, states });
            }
        }
        Ok(Self { description })
    }

    /// Whether a rate depends on the concentration of a ligand for which `which` holds, other than by mass action.
    #[must_use]
    pub fn reads_ligand(&self, which: impl Fn(LigandIndex) -> bool) -> bool {
        let roles = self.description.inputs.iter().enumerate();
        let mut ligands = roles.filter_map(|(i, role)| match role {
            InputRole::Ligand(l) if which(*l) => Some(i),
            _ => None,
        });
        ligands.any(|i| self.description.rates.reads(i))
    }

    /// How many states.
    #[must_use]
    pub fn states(&self) -> usize {
        self.description.states
    }

    /// How many ligands.
    #[must_use]
    pub fn ligands(&self) -> usize {
        self.description.ligands
    }

    /// The transitions, in the order of the description.
    #[must_use]
    pub fn transitions(&self) -> &[Transition] {
        &self.description.transitions
    }

    /// The rate program.
    #[must_use]
    pub fn rates(&self) -> &Program {
        &self.description.rates
    }

    /// What each input of the rate program stands for.
    #[must_use]
    pub fn inputs(&self) -> &[InputRole] {
        &self.description.inputs
    }

    /// States that are never left.
    #[must_use]
    pub fn absorbing(&self) -> &[StateIndex] {
        &self.description.absorbing
    }

    /// How many observables.
    #[must_use]
    pub fn observables(&self) -> usize {
        self.description.observables.len()
    }

    /// Weights of an observable, one a state; `None` if there is no such observable.
    #[must_use]
    pub fn weights(&self, observable: ObservableIndex) -> Option<&[f64]> {
        self.description.observables.get(usize::from(observable.0)).map(Vec::as_slice)
    }

    /// Rate of each transition in /ms for one instance: coefficient (one an output of the program) times
    /// concentration in mM (one a ligand).
    ///
    /// # Errors
    /// Wrong lengths, or a rate that is negative or not finite.
    pub fn transition_rates(&self, coefficients: &[f64], ligands: &[f64]) -> Result<Vec<f64>, KineticsError> {
        for (got, want) in [(coefficients.len(), self.rates().outputs()), (ligands.len(), self.ligands())] {
            if got != want {
                return Err(KineticsError::Length { got, want });
            }
        }
        let rate = |(transition, t): (usize, &Transition)| {
            let coefficient = coefficients[usize::from(t.rate.0)];
            let rate = match t.takes_up {
                Some(ligand) => coefficient * ligands[usize::from(ligand.0)],
                None => coefficient,
            };
            if rate >= 0.0 && rate.is_finite() { Ok(rate) } else { Err(KineticsError::BadRate { transition, rate }) }
        };
        self.transitions().iter().enumerate().map(rate).collect()
    }

    /// The rate matrix of one instance; arguments and errors as [`transition_rates`](Self::transition_rates).
    pub fn generator(&self, coefficients: &[f64], ligands: &[f64]) -> Result<Generator, KineticsError> {
        let rates = self.transition_rates(coefficients, ligands)?;
        let list: Vec<_> = self
            .transitions()
            .iter()
            .zip(&rates)
            .map(|(t, &rate)| (usize::from(t.from.0), usize::from(t.to.0), rate))
            .collect();
        // Everything but an overflowing sum of parallel rates was checked.
        Generator::new(self.states(), &list).map_err(|_| KineticsError::BadRate { transition: 0, rate: f64::INFINITY })
    }

    /// Transitions paired into reversible reactions, for [`numerics::markov::loops`]: each with the first unpaired
    /// transition back that undoes its uptake; one-way steps have backward rate 0. Arguments and errors as
    /// [`transition_rates`](Self::transition_rates). Also the transitions behind each reaction.
    #[expect(clippy::type_complexity, reason = "two parallel lists")]
    pub fn reactions(
        &self,
        coefficients: &[f64],
        ligands: &[f64],
    ) -> Result<(Vec<Reaction>, Vec<(usize, Option<usize>)>), KineticsError> {
        let rates = self.transition_rates(coefficients, ligands)?;
        let list = self.transitions();
        let mut used = vec![false; list.len()];
        let (mut reactions, mut pairs) = (Vec::new(), Vec::new());
        for (index, t) in list.iter().enumerate() {
            if used[index] {
                continue;
            }
            used[index] = true;
            let back = (index + 1..list.len()).find(|&k| {
                let b = &list[k];
                !used[k] && (b.from, b.to) == (t.to, t.from) && (b.takes_up, b.gives_off) == (t.gives_off, t.takes_up)
            });
            if let Some(back) = back {
                used[back] = true;
            }
            reactions.push(Reaction {
                a: usize::from(t.from.0),
                b: usize::from(t.to.0),
                forward: rates[index],
                backward: back.map_or(0.0, |back| rates[back]),
            });
            pairs.push((index, back));
        }
        Ok((reactions, pairs))
    }
}
