//! What the postsynaptic side does with transmitter: here, so far, the plain conductances of point models.

pub mod waveform;
pub mod within;
