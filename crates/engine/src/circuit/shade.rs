//! Instantaneous blocks: the share of a conductance that is left at a voltage, e.g. of NMDA receptors under magnesium.

use super::drive::Work;
use crate::mechanism::{EvalError, Evaluator, Input, Program, Shape};
use numerics::simd::{F64x8, LANES, Level};

/// What is left of the conductances of a kind, by voltage.
#[derive(Clone, Debug)]
pub struct Shade {
    evaluator: Evaluator,
    parameters: Vec<f64>,
    /// K
    temperature: f64,
    /// Of the blocker, mM.
    concentration: f64,
}

impl Shade {
    /// From a program of one output, the share (0 to 1). Its inputs are the parameters, the voltage (mV), the temperature (K)
    /// and the concentration of the blocker (mM).
    ///
    /// # Errors
    /// If the program has other inputs.
    pub fn new(
        program: &Program,
        parameters: Vec<f64>,
        temperature: f64,
        concentration: f64,
    ) -> Result<Self, EvalError> {
        let mut shapes = vec![Shape::Uniform; parameters.len()];
        shapes.extend([Shape::Column, Shape::Uniform, Shape::Uniform]);
        Ok(Self { evaluator: Evaluator::new(program, &shapes)?, parameters, temperature, concentration })
    }

    /// Its numbers, for a fingerprint.
    pub(super) fn bits(&self) -> impl Iterator<Item = u64> + '_ {
        let numbers = self.parameters.iter().chain([&self.temperature, &self.concentration]);
        numbers.map(|x| x.to_bits())
    }

    /// Leaves of the means of `lines`, the first of which is number `first`, what the voltages of their rows leave.
    pub(super) fn cast(&self, level: Level, first: usize, v: impl Iterator<Item = F64x8>, work: &mut Work) {
        let Work { means, volts, share, evaluation, .. } = work;
        volts.clear();
        v.for_each(|line| volts.extend_from_slice(&line.0));
        share.resize(volts.len(), 0.0);
        let uniform = |x: &f64| Input::Uniform(*x);
        let mut inputs: Vec<Input> = self.parameters.iter().map(uniform).collect();
        inputs.extend([Input::Column(volts), uniform(&self.temperature), uniform(&self.concentration)]);
        // Shapes are those it was made for.
        let done = self.evaluator.eval(level, &inputs, &mut [&mut share[..]], evaluation);
        debug_assert!(done.is_ok(), "{done:?}");
        for (mean, share) in means[first..].iter_mut().zip(share.chunks_exact(LANES)) {
            for (mean, share) in mean.0.iter_mut().zip(share) {
                // Nothing is left of nothing, whatever the voltage of a lane that has no neuron.
                *mean = if *mean == 0.0 { 0.0 } else { *mean * share };
            }
        }
    }
}
