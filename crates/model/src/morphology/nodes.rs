//! A section with nodes of Ranvier: internodes and nodes in turn, each a section of its own.

use super::{Joint, Written};

/// How an axon is myelinated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nodes {
    /// Length of an internode as it is wanted, um; they are as long as makes the section whole.
    pub internode: f64,
    /// Length of a node, um.
    pub length: f64,
    /// Its diameter, um; without it, the section's there.
    pub diameter: Option<f64>,
}

/// Most nodes of a section.
pub const MOST_NODES: f64 = 10_000.0;

impl Nodes {
    /// How many nodes a section of `length` um has, as a number that may be too large.
    #[must_use]
    pub fn count(&self, length: f64) -> f64 {
        (length / (self.internode + self.length)).round().max(1.0)
    }

    /// The pieces of `whole`, `first` of them the number of the first in its morphology: an internode, a node, and so on;
    /// `NAME.internode[0]`, `NAME.node[0]`. Diameters between its ends are linear.
    #[must_use]
    pub fn pieces(&self, whole: &Written, first: usize) -> Vec<Written> {
        let n = self.count(whole.length).min(MOST_NODES) as usize;
        let each = whole.length / n as f64;
        let (start, end) = (whole.diameters[0], whole.diameters[whole.diameters.len() - 1]);
        let diameter = |at: f64| (at / whole.length).mul_add(end - start, start);
        let mut out: Vec<Written> = Vec::with_capacity(2 * n);
        for k in 0..n {
            let from = k as f64 * each;
            let between = each - self.length;
            for (what, at, length) in [("internode", from, between), ("node", from + between, self.length)] {
                let on = match out.len() {
                    0 => whole.on,
                    before => Some(Joint { section: first + before - 1, position: 1.0 }),
                };
                let ends = [diameter(at), diameter(at + length)];
                let diameters = match self.diameter.filter(|_| what == "node") {
                    Some(own) => vec![own],
                    None if start == end => vec![start],
                    None => ends.to_vec(),
                };
                out.push(Written {
                    name: format!("{}.{what}[{k}]", whole.name),
                    kind: whole.kind,
                    on,
                    length,
                    diameters,
                });
            }
        }
        out
    }
}

/// Sections of a region of that kind, node or internode, are `NAME.node[3]`: what they are pieces of.
#[must_use]
pub fn whole(name: &str) -> Option<&str> {
    let (whole, piece) = name.rsplit_once('.')?;
    (piece.starts_with("node[") || piece.starts_with("internode[")).then_some(whole)
}

/// Where a share of the length of `name`, which was cut so, lies: the piece, and the share of it.
pub(crate) fn along(name: &str, position: f64, lengths: &[(usize, &str, f64)]) -> Option<Joint> {
    let own: Vec<_> = lengths.iter().filter(|(_, n, _)| whole(n) == Some(name)).collect();
    let all: f64 = own.iter().map(|(_, _, length)| length).sum();
    let mut left = position * all;
    let last = own.len().checked_sub(1)?;
    for (i, &&(section, _, length)) in own.iter().enumerate() {
        if left <= length || i == last {
            return Some(Joint { section, position: (left / length).clamp(0.0, 1.0) });
        }
        left -= length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::morphology::Kind;

    #[test]
    fn an_axon_is_cut_into_internodes_and_nodes_of_its_whole_length() {
        let axon = Written {
            name: "axon".into(),
            kind: Kind::Axon,
            on: Some(Joint { section: 0, position: 1.0 }),
            length: 1000.0,
            diameters: vec![2.0, 1.0],
        };
        let nodes = Nodes { internode: 99.0, length: 1.5, diameter: None };
        let pieces = nodes.pieces(&axon, 4);
        assert_eq!(pieces.len(), 20);
        assert!((pieces.iter().map(|p| p.length).sum::<f64>() - 1000.0).abs() < 1e-9);
        assert_eq!((pieces[3].name.as_str(), pieces[3].length), ("axon.node[1]", 1.5));
        assert_eq!(pieces[0].on, axon.on);
        assert_eq!(pieces[3].on, Some(Joint { section: 6, position: 1.0 }));
        for pair in pieces.windows(2) {
            assert!((pair[0].diameters[1] - pair[1].diameters[0]).abs() < 1e-12);
        }
        assert!((pieces[19].diameters[1] - 1.0).abs() < 1e-12);
        let lengths: Vec<_> = pieces.iter().enumerate().map(|(k, p)| (k + 4, p.name.as_str(), p.length)).collect();
        assert_eq!(along("axon", 1.0, &lengths), Some(Joint { section: 23, position: 1.0 }));
        let half = along("axon", 0.45, &lengths).expect("a place");
        assert!(half.section == 12 && (half.position - 50.0 / 98.5).abs() < 1e-9, "{half:?}");
        assert_eq!(along("dend", 0.5, &lengths), None);
    }
}
