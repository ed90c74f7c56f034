//! What is to come, in order of time: days of one length, each put into order when it begins.

use serde::{Deserialize, Serialize};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Days that are kept apart.
const DAYS: usize = 512;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum What {
    /// An ion may meet somebody there, at the rate at which it might anywhere, /ms.
    Meet { at: [f64; 3], rate: f64 },
    /// An ion goes on from there.
    Go { at: [f64; 3] },
    /// An ion leaves through a wall.
    Leave,
    /// A bound ion may come free there.
    Free { buffer: u16, at: [f64; 3] },
    /// An ion bound since the beginning may come free.
    Thaw { buffer: u16 },
    /// A sensor does something by itself, unless it has changed since.
    Turn { site: u32, epoch: u32 },
    /// An ion comes in through a channel, unless its current has changed since.
    Enter { channel: u32, epoch: u32 },
    /// A channel's current changes to pA.
    Open { channel: u32, current: f64 },
    /// An ion comes in from the solution beyond a face.
    Arrive { face: u8 },
    /// The field of a buffer moves.
    Mix { buffer: u16 },
}

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    /// ms
    pub at: f64,
    /// For ties.
    pub serial: u64,
    pub what: What,
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.total_cmp(&other.at).then(self.serial.cmp(&other.serial))
    }
}

/// Events to come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Calendar {
    /// Length of a day, ms.
    day: f64,
    today: u64,
    /// What is still to come of today.
    now: BinaryHeap<Reverse<Event>>,
    days: Vec<Vec<Event>>,
    later: Vec<Event>,
}

/// The order of what is to come today is that of time, however it is kept.
impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        let today = |c: &Self| c.now.clone().into_sorted_vec();
        (self.day, self.today, &self.days, &self.later) == (other.day, other.today, &other.days, &other.later)
            && today(self) == today(other)
    }
}

impl Calendar {
    pub fn new(day: f64) -> Self {
        Self { day, today: 0, now: BinaryHeap::new(), days: vec![Vec::new(); DAYS], later: Vec::new() }
    }

    /// The end of what is kept day by day, ms.
    #[inline(always)]
    pub fn horizon(&self) -> f64 {
        (self.today + DAYS as u64) as f64 * self.day
    }

    #[inline(always)]
    fn day(&self, at: f64) -> u64 {
        ((at / self.day) as u64).max(self.today)
    }

    #[inline(always)]
    pub fn add(&mut self, event: Event) {
        let day = self.day(event.at);
        if day == self.today {
            self.now.push(Reverse(event));
        } else if day < self.today + DAYS as u64 {
            self.days[day as usize % DAYS].push(event);
        } else {
            self.later.push(event);
        }
    }

    /// The next event at `until` or before, if there is one.
    #[inline(always)]
    pub fn next(&mut self, until: f64) -> Option<Event> {
        loop {
            if let Some(Reverse(event)) = self.now.peek() {
                return if event.at <= until { self.now.pop().map(|e| e.0) } else { None };
            }
            if self.day(until) == self.today {
                return None;
            }
            self.turn();
        }
    }

    fn turn(&mut self) {
        self.today += 1;
        self.now.extend(self.days[self.today as usize % DAYS].drain(..).map(Reverse));
        if self.today.is_multiple_of(DAYS as u64 / 2) && !self.later.is_empty() {
            std::mem::take(&mut self.later).into_iter().for_each(|event| self.add(event));
        }
    }
}
