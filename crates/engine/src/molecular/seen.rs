//! What is looked at of free molecules while they go: how many there are in rings of the cleft and shells of the tissue, or where
//! they are, at times one interval apart.
//!
//! A walker goes ahead alone, so it stops at these times on its way and is counted there; what is said of a time is complete when the
//! trial has come to it. A walker counts at the beginning of its way, not at its end, where it goes on or is bound.

use crate::time::Tick;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What is to be looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Watch {
    /// How many molecules there are in rings of the cleft around its centre, then in each shell of the tissue.
    Counts {
        /// How often.
        every: Tick,
        /// Outer edges of the rings in um, ascending; the last takes what is beyond.
        edges: Vec<f64>,
    },
    /// Where molecules of the cleft are.
    Places {
        /// How often.
        every: Tick,
    },
}

/// What was seen at times that have not been read yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Rows {
    Counts { edges: Vec<f64>, regions: usize, rows: VecDeque<u32> },
    Places { rows: VecDeque<Vec<[f32; 2]>> },
}

/// One of the things that are looked at, in a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// ms
    every: f64,
    /// Number of the first time that is kept.
    first: u64,
    rows: Rows,
}

impl Seen {
    /// From a time on, ms.
    pub fn new(watch: &Watch, shells: usize, from: f64) -> Self {
        let (every, rows) = match watch {
            Watch::Counts { every, edges } => {
                let squares = edges.iter().map(|r| r * r).collect();
                (every, Rows::Counts { edges: squares, regions: edges.len() + shells, rows: VecDeque::new() })
            }
            Watch::Places { every } => (every, Rows::Places { rows: VecDeque::new() }),
        };
        let every = every.ms();
        Self { every, first: (from / every) as u64, rows }
    }

    /// Number of the first time that is not before `now`, or that is after it.
    fn number(&self, now: f64, after: bool) -> u64 {
        let mut k = (now / self.every) as u64;
        while (k as f64) * self.every < now || (after && (k as f64) * self.every <= now) {
            k += 1;
        }
        k
    }

    /// When it is looked next, ms.
    pub fn next(&self, now: f64, after: bool) -> f64 {
        self.number(now, after) as f64 * self.every
    }

    /// A molecule is there at that time, if that is one of them.
    pub fn place(&mut self, at: [f64; 2], time: f64) {
        let k = self.number(time, false);
        if k as f64 * self.every > time || k < self.first {
            return;
        }
        let row = (k - self.first) as usize;
        match &mut self.rows {
            Rows::Counts { edges, .. } => {
                let square = at[0] * at[0] + at[1] * at[1];
                let ring = edges.partition_point(|e| *e <= square).min(edges.len() - 1);
                self.count(ring, row);
            }
            Rows::Places { rows } => {
                if rows.len() <= row {
                    rows.resize(row + 1, Vec::new());
                }
                rows[row].push(at.map(|x| x as f32));
            }
        }
    }

    fn count(&mut self, region: usize, row: usize) {
        if let Rows::Counts { regions, rows, .. } = &mut self.rows {
            if rows.len() < (row + 1) * *regions {
                rows.resize((row + 1) * *regions, 0);
            }
            rows[row * *regions + region] += 1;
        }
    }

    /// A molecule is in a shell of the tissue (none: on the rim) from one time until before another.
    pub fn stay(&mut self, shell: Option<u32>, from: f64, to: f64) {
        let Rows::Counts { edges, .. } = &self.rows else { return };
        let region = shell.map_or(edges.len() - 1, |s| edges.len() + s as usize);
        let (a, b) = (self.number(from, false), self.number(to, false));
        for k in a.max(self.first)..b {
            self.count(region, (k - self.first) as usize);
        }
    }

    /// Molecules in a region at the time of that number, once the trial has come to it.
    pub fn count_in(&self, k: u64, region: usize) -> u32 {
        match (&self.rows, k.checked_sub(self.first)) {
            (Rows::Counts { regions, rows, .. }, Some(row)) => {
                rows.get(row as usize * regions + region).copied().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// The same of all regions.
    pub fn counts(&self, k: u64) -> Vec<u32> {
        let Rows::Counts { regions, rows, .. } = &self.rows else { return Vec::new() };
        let mut found: Vec<u32> = match k.checked_sub(self.first) {
            Some(row) => rows.iter().skip(row as usize * regions).take(*regions).copied().collect(),
            None => Vec::new(),
        };
        found.resize(*regions, 0);
        found
    }

    /// Where molecules are then.
    pub fn places(&self, k: u64) -> &[[f32; 2]] {
        match (&self.rows, k.checked_sub(self.first)) {
            (Rows::Places { rows }, Some(row)) => rows.get(row as usize).map_or(&[], Vec::as_slice),
            _ => &[],
        }
    }

    /// What is before the time of that number is not asked for any more.
    pub fn forget(&mut self, k: u64) {
        let gone = k.saturating_sub(self.first) as usize;
        self.first = self.first.max(k);
        match &mut self.rows {
            Rows::Counts { regions, rows, .. } => drop(rows.drain(..(gone * *regions).min(rows.len()))),
            Rows::Places { rows } => drop(rows.drain(..gone.min(rows.len()))),
        }
    }
}
