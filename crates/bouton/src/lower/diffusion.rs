//! Diffusion of ions in a neuron: which of its pools pass them on, and through what.

use super::context::Lowering;
use super::ions::Pools;
use super::morphology::Layout;
use ::model::read::Read;
use ::model::tree::Key;
use engine::neuron::Cell;

/// How an ion moves, um2/ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moving {
    /// The free ion.
    pub free: f64,
    /// What is bound, as if it were free: `bound` times the buffer's coefficient.
    pub bound: f64,
}

impl Moving {
    /// As fields of a pool have it.
    pub fn of(get: impl Fn(&str) -> Option<f64>) -> Option<Self> {
        let free = get("diffusion")?;
        Some(Self { free, bound: get("bound").unwrap_or(0.0) * get("buffer_diffusion").unwrap_or(0.0) })
    }
}

/// Which pool of the cell is in a compartment, how it moves, under which name it was placed.
pub(super) type Moved = (usize, usize, Option<Moving>, Key);

impl Lowering<'_> {
    /// Compartments of spines that pools of an ion are said to be in.
    pub(super) fn named(&self, path: &str, read: &Read, n: usize, layout: &Layout) -> Vec<(String, Vec<bool>)> {
        let ion = |name: &str| {
            let part = self.part(&format!("{path}.pool.{name}"))?;
            Some(part.body.body.table("pool")?.text("ion")?.to_owned())
        };
        let of = |(key, placed): &(Key, Read)| {
            let mut mask = self.mask(placed, n, layout);
            mask[..layout.own].fill(false);
            Some((ion(&key.name)?, mask))
        };
        read.named("pool").iter().filter_map(of).collect()
    }

    /// A shell from which ions should diffuse.
    pub(super) fn shell(&mut self, at: &str, placed: &Read, (k, depth): (usize, f64), layout: &Layout) {
        let span = ["diffusion", "depth", "use"].into_iter().find_map(|f| placed.span_of(f)).unwrap_or(&placed.span);
        let message = format!(
            "`{at}` diffuses, but in {} it is a shell of {depth} um: its ions leave for the core as well",
            layout.place(k as u32)
        );
        self.fault(&span.clone(), message, "depth = \"1 mm\" is all of every section, or leave `diffusion` out");
    }

    /// Lets pools that move pass their ions to each other; `r_a`: Ohm cm. Whether that could be.
    pub(super) fn link(&mut self, path: &str, cell: &mut Cell, (pools, moved): (&Pools, &[Moved]), r_a: f64) -> bool {
        for (index, pool) in cell.pools.iter_mut().enumerate() {
            let own = || moved.iter().filter(|m| m.0 == index);
            let Some((_, _, Some(how), first)) = own().find(|m| m.2.is_some()) else { continue };
            if let Some((.., other)) = own().find(|m| m.2.is_some_and(|m| m != *how)) {
                let ion = &pools.names[index];
                let span = other.span.clone();
                let message = format!(
                    "`{path}.pool.{}` and `{}` pass {ion} to each other, but it diffuses differently in them",
                    other.name, first.name
                );
                let hint = "the same `diffusion`, and where buffers diffuse the same `bound` and `buffer_diffusion`";
                self.fault(&span, message, hint);
                return false;
            }
            // Where it stays, nothing passes.
            let mut wall = vec![false; cell.compartments.len()];
            own().filter(|m| m.2.is_none()).for_each(|m| wall[m.1] = true);
            let link = |(k, c): (usize, &engine::neuron::Compartment)| {
                let shut = wall[k] || c.parent.is_none_or(|p| wall[p as usize]);
                // What the axial current passes, 1 Ohm cm being 1e-5 GOhm um.
                if shut { 0.0 } else { (how.free + how.bound) * 1e-5 * r_a * c.g_axial }
            };
            pool.links = cell.compartments.iter().enumerate().map(link).collect();
        }
        true
    }
}
