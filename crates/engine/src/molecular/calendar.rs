//! What is to come, in order of time: days of one length, each put into order when it begins.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Days that are kept apart.
const DAYS: usize = 512;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    /// A molecule meets a site that might bind it, at a place.
    Meet { site: u32, at: [f64; 2] },
    /// A molecule goes on from a place.
    Go { at: [f64; 2] },
    /// A site does something by itself, unless it has changed since.
    Turn { site: u32, epoch: u32 },
}

/// An event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Event {
    /// ms
    pub at: f64,
    /// For ties, and for its draws.
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

/// Events to come, and when molecules leave.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    /// Length of a day, ms.
    day: f64,
    /// Today.
    today: u64,
    now: BinaryHeap<Reverse<Event>>,
    days: Vec<Vec<Event>>,
    /// After the days.
    later: Vec<Event>,
    /// When molecules leave, by day.
    exits: Vec<Vec<f64>>,
}

impl Calendar {
    pub fn new(day: f64) -> Self {
        Self {
            day,
            today: 0,
            now: BinaryHeap::new(),
            days: vec![Vec::new(); DAYS],
            later: Vec::new(),
            exits: vec![Vec::new(); DAYS],
        }
    }

    /// The end of what can be foreseen, ms.
    pub fn horizon(&self) -> f64 {
        (self.today + DAYS as u64) as f64 * self.day
    }

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

    /// A molecule leaves, before the horizon.
    #[inline(always)]
    pub fn exit(&mut self, at: f64) {
        let day = self.day(at).min(self.today + DAYS as u64 - 1);
        self.exits[day as usize % DAYS].push(at);
    }

    /// The next event at `until` or before, if there is one.
    pub fn next(&mut self, until: f64) -> Option<Event> {
        loop {
            if let Some(Reverse(event)) = self.now.peek() {
                return if event.at <= until { self.now.pop().map(|e| e.0) } else { None };
            }
            if self.day(until) == self.today {
                return None;
            }
            self.today += 1;
            // The exits of yesterday were all counted: its place is that of a new day.
            let due = std::mem::take(&mut self.days[self.today as usize % DAYS]);
            self.now.extend(due.into_iter().map(Reverse));
            if self.today.is_multiple_of(DAYS as u64 / 2) && !self.later.is_empty() {
                std::mem::take(&mut self.later).into_iter().for_each(|event| self.add(event));
            }
        }
    }

    /// How many leave from after `from` until `to`; to be asked before events after `to` are.
    pub fn leave(&mut self, from: f64, to: f64) -> usize {
        let (first, last) = (((from / self.day) as u64), (to / self.day) as u64);
        let mut gone = 0;
        for day in first..=last.min(first + DAYS as u64 - 1) {
            let list = &mut self.exits[day as usize % DAYS];
            let before = list.len();
            list.retain(|&at| at > to);
            gone += before - list.len();
        }
        gone
    }
}
