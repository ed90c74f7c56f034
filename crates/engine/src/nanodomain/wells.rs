//! Places at which an ion may be met: sensors and probes, and how far from all of them it is.

use super::grid::Cells;

/// Who may meet an ion in a well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Site(u32),
    Probe(u32),
}

/// A ball in which an ion is met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Well {
    pub at: [f64; 3],
    /// um
    pub radius: f64,
    /// At this rate at most, /ms.
    pub most: f64,
    pub who: Who,
    /// Nearer than half of this the rate is reckoned with: as far as an ion comes between two meetings, um.
    reach: f64,
}

impl Well {
    pub fn new(at: [f64; 3], radius: f64, most: f64, diffusion: f64, who: Who) -> Self {
        Self { at, radius, most, who, reach: (6.0 * diffusion / most).sqrt().max(radius) }
    }

    /// How far its border is from a place outside; 0 within.
    #[inline(always)]
    fn off(&self, at: [f64; 3]) -> f64 {
        let [x, y, z] = [at[0] - self.at[0], at[1] - self.at[1], at[2] - self.at[2]];
        ((x * x + y * y + z * z).sqrt() - self.radius).max(0.0)
    }

    /// How far it is from a box at least.
    fn off_box(&self, [low, high]: [[f64; 3]; 2]) -> f64 {
        let nearest = [0, 1, 2].map(|k| self.at[k].clamp(low[k], high[k]));
        self.off(nearest)
    }

    #[inline(always)]
    pub fn holds(&self, at: [f64; 3]) -> bool {
        let [x, y, z] = [at[0] - self.at[0], at[1] - self.at[1], at[2] - self.at[2]];
        x * x + y * y + z * z <= self.radius * self.radius
    }
}

/// All of them, found by cell.
#[derive(Clone, Debug)]
pub(super) struct Wells {
    all: Vec<Well>,
    /// The longest reach.
    longest: f64,
    /// By cell: how far it is from any well.
    clear: Vec<f64>,
    /// By cell: the first of those that are nearer than the longest reach. One more at the end.
    first: Vec<u32>,
    near: Vec<u32>,
}

impl Wells {
    pub fn new(all: Vec<Well>, cells: &Cells) -> Self {
        let longest = all.iter().fold(0.0, |most: f64, w| most.max(w.reach));
        let (mut clear, mut first, mut near) = (Vec::new(), vec![0], Vec::new());
        for cell in 0..cells.volume.len() {
            let corners = cells.corners(cell);
            let mut least = f64::INFINITY;
            for (k, well) in all.iter().enumerate() {
                let off = well.off_box(corners);
                least = least.min(off);
                if off < longest {
                    near.push(k as u32);
                }
            }
            clear.push(least);
            first.push(near.len() as u32);
        }
        Self { all, longest, clear, first, near }
    }

    #[inline(always)]
    fn near(&self, cell: usize) -> impl Iterator<Item = &Well> {
        let list = &self.near[self.first[cell] as usize..self.first[cell + 1] as usize];
        list.iter().map(|k| &self.all[*k as usize])
    }

    /// How large a ball around a place may be left in one leap, and the greatest rate at which wells meet an ion in it.
    #[inline(always)]
    pub fn room(&self, cell: usize, at: [f64; 3]) -> (f64, f64) {
        let clear = self.clear[cell];
        if clear >= self.longest {
            return (clear, 0.0);
        }
        let (mut least, mut engaged) = (self.longest, f64::INFINITY);
        for well in self.near(cell) {
            let off = well.off(at);
            least = least.min(off);
            if off < 0.5 * well.reach {
                engaged = engaged.min(well.reach);
            }
        }
        if engaged == f64::INFINITY {
            return (least, 0.0);
        }
        let within = self.near(cell).filter(|w| w.off(at) < engaged);
        (engaged, within.fold(0.0, |sum, w| sum + w.most))
    }

    /// Those that a place is in.
    #[inline(always)]
    pub fn holding(&self, cell: usize, at: [f64; 3]) -> impl Iterator<Item = &Well> {
        self.near(cell).filter(move |w| w.holds(at))
    }
}
