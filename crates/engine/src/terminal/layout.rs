//! Where vesicles and channels are, when only numbers and distances are known: one arrangement, always the same.
//!
//! **Assumed**: the active zone is a disc that docked vesicles fill evenly (a sunflower: Vogel 1979 Math Biosci 44:179);
//! channels of a kind are dealt out to the vesicles in turn; each is at exactly its kind's distance from its own vesicle
//! (centre to centre, in the membrane's plane) and otherwise out of the others' way. No exclusion between vesicles is
//! enforced, and no disorder: measured positions are better where there are any.

use super::{TerminalError, positive};

/// Azimuths tried, half a degree apart.
const AZIMUTHS: usize = 720;
/// cos and sin of half a degree.
const TURN: [f64; 2] = [0.999_961_923_064_171_3, 0.008_726_535_498_373_935];
/// cos and sin of the golden angle, 2 pi (1 - 1/phi).
const GOLDEN: [f64; 2] = [-0.737_368_878_078_319_7, 0.675_490_294_261_523_8];
/// Least distance of two channels where there is room, um: about the width of a channel.
const WIDTH: f64 = 0.01;

/// Turns a direction, kept at length 1.
fn turned(d: [f64; 2], by: [f64; 2]) -> [f64; 2] {
    let [x, y] = [d[0] * by[0] - d[1] * by[1], d[0] * by[1] + d[1] * by[0]];
    let length = (x * x + y * y).sqrt();
    [x / length, y / length]
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    let [x, y] = [a[0] - b[0], a[1] - b[1]];
    (x * x + y * y).sqrt()
}

/// Positions in um of `vesicles` in a disc of `radius_um`, and of each kind's channels, given as (count, distance in um).
///
/// Channel k of a kind belongs to vesicle k mod `vesicles` and sits at the distance from it, on that side (of 720) where
/// the nearest other vesicle is farthest, ties to the lowest azimuth, 10 nm from channels placed before where there is
/// room for that. No transcendental function: the same bits everywhere.
///
/// # Errors
/// A radius or distance not above 0, channels without a vesicle, more than 720 channels around one vesicle.
#[expect(clippy::type_complexity, reason = "vesicles, and channels by kind")]
pub fn layout(
    radius_um: f64,
    vesicles: usize,
    channels_per_kind: &[(usize, f64)],
) -> Result<(Vec<[f64; 2]>, Vec<Vec<[f64; 2]>>), TerminalError> {
    positive("the radius of the active zone (um)", radius_um)?;
    let (mut places, mut direction) = (Vec::with_capacity(vesicles), [1.0, 0.0]);
    for k in 0..vesicles {
        let r = radius_um * ((k as f64 + 0.5) / vesicles as f64).sqrt();
        places.push([r * direction[0], r * direction[1]]);
        direction = turned(direction, GOLDEN);
    }
    let mut sides = vec![[1.0, 0.0]; AZIMUTHS];
    for k in 1..AZIMUTHS {
        sides[k] = turned(sides[k - 1], TURN);
    }
    let mut kinds: Vec<Vec<[f64; 2]>> = Vec::with_capacity(channels_per_kind.len());
    for &(count, away) in channels_per_kind {
        positive("the distance of a channel from its vesicle (um)", away)?;
        if count > 0 && vesicles == 0 {
            return Err(TerminalError::Scheme("channels at a distance from vesicles need a vesicle"));
        }
        kinds.push(Vec::with_capacity(count));
        for channel in 0..count {
            let own = channel % vesicles;
            // Of each side: where, and how far the nearest other vesicle is.
            let place = |d: &[f64; 2]| [away.mul_add(d[0], places[own][0]), away.mul_add(d[1], places[own][1])];
            let others = || places.iter().enumerate().filter(|(k, _)| *k != own).map(|(_, p)| *p);
            let tried: Vec<([f64; 2], f64)> = sides
                .iter()
                .map(|d| (place(d), others().fold(f64::INFINITY, |least, p| least.min(distance(place(d), p)))))
                .collect();
            let mut gap = WIDTH;
            let found = loop {
                let clear = |p: [f64; 2]| kinds.iter().flatten().all(|&q| distance(p, q) >= gap);
                let mut best: Option<([f64; 2], f64)> = None;
                for &(p, far) in tried.iter().filter(|(p, _)| clear(*p)) {
                    // A tie within rounding is one.
                    if best.is_none_or(|(_, b)| far > b + 1e-12 * b) {
                        best = Some((p, far));
                    }
                }
                if let Some((p, _)) = best {
                    break p;
                }
                gap *= 0.5;
                if gap < 1e-6 * WIDTH {
                    return Err(TerminalError::Scheme("more channels around one vesicle than there is room for"));
                }
            };
            kinds.last_mut().expect("pushed above").push(found);
        }
    }
    Ok((places, kinds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_is_at_its_distance_and_nobody_is_where_another_is() {
        let (vesicles, kinds) = layout(0.15, 10, &[(20, 0.02), (13, 0.05), (7, 0.02)]).unwrap();
        assert_eq!((vesicles.len(), kinds[0].len(), kinds[1].len(), kinds[2].len()), (10, 20, 13, 7));
        for (list, away) in kinds.iter().zip([0.02, 0.05, 0.02]) {
            for (k, &c) in list.iter().enumerate() {
                assert!((distance(c, vesicles[k % 10]) / away - 1.0).abs() < 1e-12);
                let nearest = vesicles.iter().map(|&v| distance(c, v)).fold(f64::INFINITY, f64::min);
                assert!(nearest > 0.9 * away, "{k}: {nearest}");
            }
        }
        let all: Vec<_> = kinds.iter().flatten().chain(&vesicles).collect();
        for (i, &&a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|&&b| distance(a, b) > 0.009), "{i}");
        }
        assert!(vesicles.iter().all(|&v| distance(v, [0.0; 2]) < 0.15));
        assert_eq!(layout(0.15, 1, &[(1, 0.02)]).unwrap().1[0][0][1], 0.0);
        assert!(layout(0.15, 1, &[(700, 0.02)]).is_ok() && layout(0.15, 1, &[(721, 0.02)]).is_err());
        assert!(layout(0.15, 0, &[(1, 0.02)]).is_err() && layout(0.0, 1, &[]).is_err());
        assert!(layout(0.15, 1, &[(1, 0.0)]).is_err());
        assert!((turned([1.0, 0.0], GOLDEN)[0] - GOLDEN[0]).abs() < 1e-15);
    }
}
