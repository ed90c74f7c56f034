//! A trial at its beginning, at rest.

use super::calendar::{Calendar, Event, What};
use super::plan::Plan;
use super::room::Room;
use super::run::State;
use crate::time::Tick;
use numerics::jump::{Binomial, Multinomial};
use numerics::passage::{exponential, uniform};
use numerics::rng::StreamKey;

impl Plan {
    /// A trial at its beginning: channels shut, buffers in equilibrium with calcium at rest, free ions, fixed buffers and what is bound
    /// drawn from their laws, sensors as well (not fused). `day`: a time in which an ion does little, such as 5 us; it decides nothing but
    /// speed.
    #[must_use]
    pub fn start(&self, key: StreamKey, day: Tick) -> State {
        let mut state = State::new(self, Calendar::new(day.ms(), 0.0));
        for (number, site) in self.sites.iter().enumerate() {
            let kind = &self.kinds[usize::from(site.kind)];
            let (serial, mut draws) = state.draws(key);
            let mut share = uniform(&mut draws);
            let mut own = kind.law.iter().rposition(|p| *p > 0.0).unwrap_or(0);
            for (k, p) in kind.law.iter().enumerate() {
                share -= p;
                if share < 0.0 {
                    own = k;
                    break;
                }
            }
            state.states.push(own as u8);
            state.counts[usize::from(site.kind)][own] += 1;
            state.initial += u64::from(kind.bound[own]);
            self.expect(&mut state, number, (0.0, serial), &mut draws);
        }
        for number in 0..self.buffers.len() {
            self.fill(&mut state, key, number);
        }
        let most = self.resting * self.room.volume();
        let mut passed = if most > 0.0 { exponential(&mut state.draws(key).1) } else { 0.0 };
        while passed < most {
            let (serial, mut draws) = state.draws(key);
            let at = self.room.anywhere(&mut draws);
            passed += exponential(&mut draws);
            state.initial += 1;
            state.free += 1;
            self.walk(&mut state.calendar, &mut draws, at, (0.0, serial), state.meets);
        }
        for face in 0..self.arrivals.len() {
            let (serial, mut draws) = state.draws(key);
            if self.arrivals[face] > 0.0 {
                let at = exponential(&mut draws) / self.arrivals[face];
                state.calendar.add(Event { at, serial, what: What::Arrive { face: face as u8 } });
            }
        }
        state
    }

    /// The field of a buffer, and what is bound of it.
    fn fill(&self, state: &mut State, key: StreamKey, number: usize) {
        let plan = &self.buffers[number];
        let (serial, mut draws) = state.draws(key);
        let share = Binomial::new(plan.bound_at_rest).expect("a share");
        let volume = self.room.volume();
        let field = &mut state.fields[number];
        if let Some((_, time)) = &plan.mixing {
            let bound = share.draw(&mut draws, plan.total);
            field.extend(self.cells.volume.iter().map(|v| (plan.total - bound) as f64 * v / volume));
            state.frozen[number] = bound;
            state.calendar.add(Event { at: *time, serial, what: What::Mix { buffer: number as u16 } });
            state.sums[number] = (plan.total - bound) as f64;
            state.most[number] = plan.bound(field, 1.0);
        } else {
            let mut counts = vec![0; self.cells.volume.len()];
            let even = Multinomial::new(&self.cells.volume).expect("volumes");
            even.draw_into(&mut draws, plan.total as u32, &mut counts);
            for (cell, n) in counts.into_iter().enumerate() {
                let bound = share.draw(&mut draws, u64::from(n));
                state.most[number] = state.most[number].max(f64::from(n) * plan.pair[cell]);
                field.push((u64::from(n) - bound) as f64);
                state.frozen_in[number].extend((0..bound).map(|_| cell as u32));
                state.frozen[number] += bound;
            }
        }
        state.meets += state.most[number];
        state.initial += state.frozen[number];
        self.thaw(state, number, (0.0, serial), &mut draws);
    }
}
