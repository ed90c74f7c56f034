//! Saving a state and loading it again, to the bit.
//!
//! Layout, little-endian: magic (8 bytes), format version (u32), fingerprint of the plan (u64), payload length (u64),
//! payload (postcard), checksum (u64, FNV-1a over all before it; Fowler, Noll & Vo). The checksum finds accidents,
//! not forgery; the states themselves check their shape as they are read.

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

const MAGIC: [u8; 8] = *b"boutonST";
/// Raised whenever the layout of a state changes.
pub const VERSION: u32 = 1;
const HEADER: usize = 8 + 4 + 8 + 8;

/// Why a snapshot cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// It does not begin as a snapshot does.
    #[error("this is no Bouton snapshot")]
    Foreign,
    /// Written by another version of the program.
    #[error("the snapshot has format {found}, this program reads {VERSION}: use the program that wrote it")]
    Version {
        /// The format found.
        found: u32,
    },
    /// Bytes are missing, left over or changed.
    #[error("the snapshot is damaged (truncated or altered)")]
    Damaged,
    /// It belongs to another model.
    #[error("the snapshot was made by another model: fingerprint {found:016x}, this one has {want:016x}")]
    OtherPlan {
        /// Fingerprint in the snapshot.
        found: u64,
        /// Fingerprint of this plan.
        want: u64,
    },
    /// The checksum holds but the contents are not this kind of state.
    #[error("the snapshot holds another kind of state")]
    Contents,
    /// The state could not be written.
    #[error("this state cannot be saved")]
    Unsaveable,
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The state as bytes. `plan`: any fingerprint of the immutable plan, checked at [`load`].
///
/// # Errors
/// [`SnapshotError::Unsaveable`] if the state's own serialisation fails (ours never do).
pub fn save<S: Serialize>(plan: u64, state: &S) -> Result<Vec<u8>, SnapshotError> {
    let payload = postcard::to_stdvec(state).map_err(|_| SnapshotError::Unsaveable)?;
    let mut bytes = Vec::with_capacity(HEADER + payload.len() + 8);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(plan.to_le_bytes());
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(payload);
    bytes.extend(checksum(&bytes).to_le_bytes());
    Ok(bytes)
}

/// The state that [`save`] wrote, if these bytes are one and `plan` has the fingerprint given there.
///
/// # Errors
/// Anything else, told apart as far as possible; never a panic, and no memory is taken on the word of a length field
/// beyond the bytes that are there.
pub fn load<S: DeserializeOwned>(plan: u64, bytes: &[u8]) -> Result<S, SnapshotError> {
    let field = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
    if bytes.get(..8) != Some(&MAGIC) {
        return Err(SnapshotError::Foreign);
    }
    let version = bytes.get(8..12).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let found = version.ok_or(SnapshotError::Damaged)?;
    if found != VERSION {
        return Err(SnapshotError::Version { found });
    }
    let length = field(20).ok_or(SnapshotError::Damaged)?;
    let end = usize::try_from(length).ok().and_then(|l| l.checked_add(HEADER)).ok_or(SnapshotError::Damaged)?;
    if end.checked_add(8) != Some(bytes.len()) || field(end) != Some(checksum(&bytes[..end])) {
        return Err(SnapshotError::Damaged);
    }
    let found = field(12).ok_or(SnapshotError::Damaged)?;
    if found != plan {
        return Err(SnapshotError::OtherPlan { found, want: plan });
    }
    let (state, rest) = postcard::take_from_bytes(&bytes[HEADER..end]).map_err(|_| SnapshotError::Contents)?;
    if rest.is_empty() { Ok(state) } else { Err(SnapshotError::Contents) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_byte_missing_added_or_changed_is_an_error() {
        let state = (vec![1.5_f64, -0.0], 42_u64);
        let good = save(7, &state).unwrap();
        assert_eq!(load::<(Vec<f64>, u64)>(7, &good).unwrap(), state);
        for cut in 0..good.len() {
            assert!(load::<(Vec<f64>, u64)>(7, &good[..cut]).is_err());
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(load::<(Vec<f64>, u64)>(7, &bad).is_err(), "byte {at}");
        }
        let long = [good.clone(), vec![0]].concat();
        assert_eq!(load::<(Vec<f64>, u64)>(7, &long), Err(SnapshotError::Damaged));
    }

    #[test]
    fn foreign_files_other_models_and_other_kinds_are_told_apart() {
        let good = save(7, &1_u64).unwrap();
        assert_eq!(load::<u64>(7, b"GIF89a, and more"), Err(SnapshotError::Foreign));
        assert_eq!(load::<u64>(8, &good), Err(SnapshotError::OtherPlan { found: 7, want: 8 }));
        assert_eq!(load::<(u64, u64)>(7, &good), Err(SnapshotError::Contents));
        let mut newer = good.clone();
        newer[8] = 99;
        assert_eq!(load::<u64>(7, &newer), Err(SnapshotError::Version { found: 99 }));
    }
}
