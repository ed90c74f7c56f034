//! The independent loops of a reaction graph, and whether each closes.
//!
//! At equilibrium the product of the rates around a loop is the same both ways (Kolmogorov 1936; Colquhoun et
//! al. 2004, Biophys. J. 86:3510). The basis is a minimum cycle basis: shortest loops first, found among
//! Horton's candidates (Horton 1987, SIAM J. Comput. 16:358) by elimination over GF(2). Deterministic.

use super::MarkovError;
use crate::math;

/// A reversible step between two states, rates in /ms (ligands multiplied in).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reaction {
    /// One state.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// Rate `a -> b`.
    pub forward: f64,
    /// Rate `b -> a`.
    pub backward: f64,
}

/// One closed path through the reaction graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// The states in order; the last leads back to the first.
    pub states: Vec<usize>,
    /// Index of the reaction from each state to the next.
    pub reactions: Vec<usize>,
    /// Product of the rates in the order of `states`, (/ms)^length.
    pub forward: f64,
    /// Product of the rates the other way round.
    pub backward: f64,
    /// `ln(forward / backward)`, summed as logarithms so that it does not overflow; 0 when the loop closes,
    /// infinite when one way is barred, NaN when both are.
    pub ln_ratio: f64,
}

/// A minimum basis of the loops: as many as `reactions - states + components`, shortest first.
///
/// Parallel reactions between the same states make loops of length two. Cost: at most `states x reactions`
/// candidates.
///
/// # Errors
/// A state out of range, a reaction of a state with itself, or a rate that is negative or not finite.
pub fn loops(states: usize, reactions: &[Reaction]) -> Result<Vec<Loop>, MarkovError> {
    for r in reactions {
        for state in [r.a, r.b] {
            if state >= states {
                return Err(MarkovError::StateOutOfRange { state, states });
            }
        }
        if r.a == r.b {
            return Err(MarkovError::SelfTransition { state: r.a });
        }
        for (from, to, rate) in [(r.a, r.b, r.forward), (r.b, r.a, r.backward)] {
            if !(rate >= 0.0 && rate.is_finite()) {
                return Err(MarkovError::BadRate { from, to, rate });
            }
        }
    }
    let mut neighbours = vec![Vec::new(); states];
    for (index, r) in reactions.iter().enumerate() {
        neighbours[r.a].push((r.b, index));
        neighbours[r.b].push((r.a, index));
    }
    let mut candidates = Vec::new();
    for root in 0..states {
        let tree = shortest_paths(root, &neighbours);
        for (index, r) in reactions.iter().enumerate() {
            if let Some(candidate) = close(root, index, r, &tree) {
                candidates.push(candidate);
            }
        }
    }
    // Stable: among loops of one length the first found (smallest root, then smallest reaction) wins.
    candidates.sort_by_key(|(states, _)| states.len());
    let wanted = reactions.len() + components(states, &neighbours) - states;
    let words = reactions.len().div_ceil(64);
    let mut echelon: Vec<(usize, Vec<u64>)> = Vec::with_capacity(wanted);
    let mut basis = Vec::with_capacity(wanted);
    for (path, edges) in candidates {
        if basis.len() == wanted {
            break;
        }
        let mut set = vec![0u64; words];
        for &edge in &edges {
            set[edge / 64] ^= 1 << (edge % 64);
        }
        for (pivot, row) in &echelon {
            if set[pivot / 64] >> (pivot % 64) & 1 == 1 {
                for (s, r) in set.iter_mut().zip(row) {
                    *s ^= r;
                }
            }
        }
        if let Some(word) = set.iter().position(|&s| s != 0) {
            echelon.push((word * 64 + set[word].trailing_zeros() as usize, set));
            basis.push(measure(path, edges, reactions));
        }
    }
    Ok(basis)
}

/// Breadth-first tree: for each state reached, its parent and the reaction to it.
fn shortest_paths(root: usize, neighbours: &[Vec<(usize, usize)>]) -> Vec<Option<(usize, usize)>> {
    let mut tree = vec![None; neighbours.len()];
    let mut queue = vec![root];
    let mut at = 0;
    tree[root] = Some((root, usize::MAX));
    while let Some(&state) = queue.get(at) {
        at += 1;
        for &(next, reaction) in &neighbours[state] {
            if tree[next].is_none() {
                tree[next] = Some((state, reaction));
                queue.push(next);
            }
        }
    }
    tree
}

fn components(states: usize, neighbours: &[Vec<(usize, usize)>]) -> usize {
    let mut seen = vec![false; states];
    let mut count = 0;
    for root in 0..states {
        if !seen[root] {
            count += 1;
            for (state, link) in shortest_paths(root, neighbours).iter().enumerate() {
                seen[state] |= link.is_some();
            }
        }
    }
    count
}

/// The loop root ~> a - b ~> root, if it meets no state twice.
fn close(
    root: usize,
    index: usize,
    reaction: &Reaction,
    tree: &[Option<(usize, usize)>],
) -> Option<(Vec<usize>, Vec<usize>)> {
    let climb = |mut state: usize| {
        let (mut states, mut edges) = (vec![state], Vec::new());
        while state != root {
            let (parent, edge) = tree[state]?;
            edges.push(edge);
            states.push(parent);
            state = parent;
        }
        Some((states, edges))
    };
    let (mut states, mut edges) = climb(reaction.a)?;
    let (other, other_edges) = climb(reaction.b)?;
    if edges.contains(&index) || other_edges.contains(&index) {
        return None;
    }
    states.reverse();
    edges.reverse();
    edges.push(index);
    edges.extend(&other_edges);
    states.extend(&other[..other.len() - 1]);
    let mut sorted = states.clone();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1]).then_some((states, edges))
}

fn measure(states: Vec<usize>, edges: Vec<usize>, reactions: &[Reaction]) -> Loop {
    let (mut forward, mut backward, mut up, mut down) = (1.0, 1.0, 0.0, 0.0);
    for (&from, &edge) in states.iter().zip(&edges) {
        let r = &reactions[edge];
        let (with, against) = if r.a == from { (r.forward, r.backward) } else { (r.backward, r.forward) };
        forward *= with;
        backward *= against;
        up += math::ln(with);
        down += math::ln(against);
    }
    Loop { states, reactions: edges, forward, backward, ln_ratio: up - down }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(a: usize, b: usize, forward: f64, backward: f64) -> Reaction {
        Reaction { a, b, forward, backward }
    }

    #[test]
    fn a_chain_has_no_loop_and_a_square_has_one() {
        let chain = [step(0, 1, 1.0, 1.0), step(1, 2, 1.0, 1.0)];
        assert!(loops(3, &chain).unwrap().is_empty());
        let square = [step(0, 1, 2.0, 1.0), step(1, 3, 3.0, 1.0), step(0, 2, 3.0, 1.0), step(2, 3, 2.0, 1.0)];
        let found = loops(4, &square).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].states.len(), 4);
        assert_eq!(found[0].forward, found[0].backward);
        assert!(found[0].ln_ratio.abs() < 1e-15);
    }

    #[test]
    fn a_cube_gives_its_faces_not_its_detours() {
        // Three independent binding sites: 8 states, 12 reactions, 5 independent loops, all of length four.
        let mut cube = Vec::new();
        for state in 0..8usize {
            for site in 0..3 {
                if state >> site & 1 == 0 {
                    cube.push(step(state, state | 1 << site, 2.0 + site as f64, 0.5));
                }
            }
        }
        let found = loops(8, &cube).unwrap();
        assert_eq!(found.len(), 5);
        for l in &found {
            assert_eq!(l.states.len(), 4);
            assert!(l.ln_ratio.abs() < 1e-14, "independent sites are at equilibrium");
        }
        assert_eq!(found, loops(8, &cube).unwrap());
    }

    #[test]
    fn a_driven_loop_is_found_and_measured_in_the_order_of_its_states() {
        let ring = [step(0, 1, 2.0, 1.0), step(2, 1, 1.0, 2.0), step(2, 0, 2.0, 1.0)];
        let found = loops(3, &ring).unwrap();
        assert_eq!(found.len(), 1);
        assert!((found[0].ln_ratio.abs() - math::ln(8.0)).abs() < 1e-14);
        // Walking the printed order by hand gives the product reported.
        let l = &found[0];
        let product: f64 = (0..3)
            .map(|k| {
                let (from, to) = (l.states[k], l.states[(k + 1) % 3]);
                let r = &ring[l.reactions[k]];
                if (r.a, r.b) == (from, to) { r.forward } else { r.backward }
            })
            .product();
        assert_eq!(product, l.forward);
    }

    #[test]
    fn two_ways_between_the_same_states_are_a_loop_and_a_barred_way_is_infinite() {
        let found = loops(2, &[step(0, 1, 1.0, 4.0), step(0, 1, 3.0, 0.0)]).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].states.len(), 2);
        assert_eq!(found[0].ln_ratio.abs(), f64::INFINITY);
    }
}
